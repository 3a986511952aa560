import { isAbsolute } from "node:path";
import { compileText, escapeWildcards, matchText } from "../../wildcards.ts";
import type { Folders } from "../shell/folders.ts";
import type { ShellWord } from "../shell/words.ts";
import type { Locator } from "./location.ts";

/** A glob with more matches is not followed. */
const MATCHES_MAX = 500;

/**
 * The paths that a word with wildcards matches now, from each folder; undefined when it matches too many or a folder
 * cannot be read. Literal parts after a wildcard are kept even if they do not exist.
 */
export function expandGlob(word: ShellWord, from: Folders, list: Locator["list"]): string[] | undefined {
  const source = word.pieces
    .map((piece) => (piece.kind === "glob" ? piece.text : escapeWildcards(piece.text)))
    .join("");
  const folders = isAbsolute(source) ? ["/"] : from;
  let found: string[] = [...folders];
  for (const segment of source.split("/").filter((part) => part !== "")) {
    const pattern = compileText(segment);
    if (!pattern.wild) {
      const name = segment.replace(/\\(.)/gsu, "$1");
      found = found.map((folder) => `${folder}/${name}`);
      continue;
    }
    const next: string[] = [];
    for (const folder of found) {
      const names = list(folder);
      if (names === undefined) return undefined;
      for (const name of names) {
        const visible = !name.startsWith(".") || segment.startsWith(".");
        if (visible && matchText(pattern, name)) next.push(`${folder}/${name}`);
      }
      if (next.length > MATCHES_MAX) return undefined;
    }
    found = next;
  }
  // Without a match the shell passes the pattern itself.
  return found.length > 0 ? found : folders.map((folder) => `${folder}/${word.text}`);
}
