import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyEdits, modify } from "jsonc-parser";
import type { Paths } from "../../protocol/paths.ts";

/** Writes the theme into terminal.jsonc and keeps its comments and other settings. */
export function saveTheme(paths: Pick<Paths, "configDir">, name: string): void {
  const file = join(paths.configDir, "terminal.jsonc");
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // There is no such file yet.
  }
  if (text.trim() === "") text = "{}\n";
  const formattingOptions = { insertSpaces: true, tabSize: 2, eol: "\n" };
  const edits = modify(text, ["theme"], name, { formattingOptions });
  mkdirSync(paths.configDir, { recursive: true, mode: 0o700 });
  writeFileSync(file, applyEdits(text, edits), { mode: 0o600 });
}
