import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createFile, replaceFile } from "../../src/agent/tools/files/replace-file.ts";

/** A folder whose path has room for a file of one letter, and none for the longer name beside it. */
function tightFolder(): string {
  const base = mkdtempSync(join(tmpdir(), "hearth-tight-"));
  onTestFinished(() => rmSync(base, { recursive: true }));
  let folder = base;
  while (folder.length < 4075)
    folder += `/${"d".repeat(Math.min(200, Math.max(1, 4075 - folder.length - 1)))}`;
  mkdirSync(folder, { recursive: true });
  return folder;
}

// The system's limit is another one elsewhere; what is said of a refusal is the same.
test.runIf(process.platform === "linux")(
  "a write that is refused names the file that was asked for, not the one beside it",
  async () => {
    const path = join(tightFolder(), "f");
    const bytes = Buffer.from("new");
    const created = await createFile(path, bytes).catch((error: unknown) => error);
    expect(created).toMatchObject({ code: "ENAMETOOLONG", path });
    expect(String(created)).not.toContain(".hearth-");
    writeFileSync(path, "old");
    const old = { stats: statSync(path), bytes: Buffer.from("old") };
    const replaced = await replaceFile(path, bytes, old).catch((error: unknown) => error);
    expect(replaced).toMatchObject({ code: "ENAMETOOLONG", path });
    expect(String(replaced)).not.toContain(".hearth-");
  },
);
