import { opendir } from "node:fs/promises";
import { hearthNote, inOneLine, textInside } from "../../hearth-note.ts";

/** Enough names to show what a folder is; the model can list the rest. */
const NAMES_MAX = 300;
/** Of a larger folder only the first entries on disk are sorted, so that reading it stays quick. */
const ENTRIES_MAX = 5000;

/** Lists an attached folder's direct entries by name, folders first. Rejects with the system's error. */
export async function listAttachedFolder(real: string, shown: string): Promise<string> {
  const folders: string[] = [];
  const files: string[] = [];
  let isCut = false;
  for await (const entry of await opendir(real)) {
    if (entry.name === ".git") continue;
    isCut = folders.length + files.length >= ENTRIES_MAX;
    if (isCut) break;
    if (entry.isDirectory()) folders.push(`${inOneLine(entry.name)}/`);
    else files.push(inOneLine(entry.name));
  }
  const names = [...folders.sort(), ...files.sort()];
  const shownNames = names.slice(0, NAMES_MAX);
  const left = isCut ? "more than " : "";
  const rest = names.length - shownNames.length;
  const note =
    names.length === 0
      ? hearthNote("The folder is empty.")
      : rest > 0
        ? hearthNote(`${left}${rest} more names; list the folder if you need them.`)
        : "";
  const lines = [...shownNames.map((name) => textInside("folder", name)), ...(note === "" ? [] : [note])];
  return `<folder path=${JSON.stringify(inOneLine(shown))}>\n${lines.join("\n")}\n</folder>`;
}
