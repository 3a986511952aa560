import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Opens `text` in $VISUAL or $EDITOR, which has the terminal meanwhile. `problem` is a sentence. */
export async function editOutside(
  text: string,
  /** The file's name: editors highlight by its extension. */
  name: "prompt.md" | "command.sh",
  env: Readonly<Record<string, string | undefined>>,
): Promise<{ text: string } | { problem: string }> {
  const editor = env["VISUAL"] || env["EDITOR"] || "vi";
  const folder = mkdtempSync(join(tmpdir(), "hearth-prompt-"));
  const file = join(folder, name);
  try {
    writeFileSync(file, text, { mode: 0o600 });
    // A shell, because the variable may hold arguments ("code --wait").
    const child = spawn("/bin/sh", ["-c", `${editor} "$1"`, "sh", file], { stdio: "inherit" });
    const ended = Promise.withResolvers<number | null>();
    child.once("error", ended.reject);
    child.once("close", ended.resolve);
    const code = await ended.promise;
    if (code !== 0) return { problem: `${editor} ended with ${code ?? "a signal"}: the text is as it was.` };
    return { text: readFileSync(file, "utf8").replace(/\n$/, "") };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
