import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { applyEdits, modify } from "jsonc-parser";
import { parseConfig } from "./parse.ts";

/**
 * Sets a value of a `hearth.jsonc`, or removes it (`undefined`); comments and the rest stay as they are. Throws
 * config_invalid for a file that is broken before or would be afterwards, and leaves that as it is.
 */
export async function editConfig(file: string, path: string[], value: unknown): Promise<void> {
  const before = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "{}\n";
    throw error;
  });
  parseConfig(before, file);
  const formattingOptions = { insertSpaces: true, tabSize: 2 };
  const after = applyEdits(before, modify(before, path, value, { formattingOptions }));
  parseConfig(after, file);
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const temporary = `${file}.new`;
  await writeFile(temporary, after.endsWith("\n") ? after : `${after}\n`, { mode: 0o600 });
  await rename(temporary, file);
}
