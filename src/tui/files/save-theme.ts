import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { applyEdits, modify } from "jsonc-parser";
import type { Paths } from "../../protocol/paths.ts";

/** Writes the choice into terminal.jsonc; comments and everything else in it stay as they are. */
export function saveTheme(paths: Pick<Paths, "configDir">, name: string): void {
  const file = join(paths.configDir, "terminal.jsonc");
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // The first preference of all.
  }
  if (text.trim() === "") text = "{}\n";
  const formattingOptions = { insertSpaces: true, tabSize: 2, eol: "\n" };
  const edits = modify(text, ["theme"], name, { formattingOptions });
  mkdirSync(paths.configDir, { recursive: true, mode: 0o700 });
  writeFileSync(file, applyEdits(text, edits), { mode: 0o600 });
}
