import { isAbsolute } from "node:path";
import type { Access, Finding } from "../rules/policy.ts";
import { isKnown, type ShellWord, splits } from "../shell/words.ts";
import { expandGlob } from "./glob-files.ts";
import type { Locator } from "./location.ts";

/** Stands for a folder that is known only as it runs. */
const SOMEWHERE = "\u{f8ff}";

/** The absolute paths of a word in each folder it may be read from; undefined where that cannot be told. */
export function pathsOf(
  word: ShellWord,
  cwds: readonly string[] | undefined,
  list: Locator["list"],
): readonly string[] | undefined {
  if (!isKnown(word) || splits(word)) return undefined;
  if (word.pieces.some((piece) => piece.kind === "glob")) return expandGlob(word, cwds, list);
  // A number in a name does not change where it is.
  return isAbsolute(word.text) ? [word.text] : cwds?.map((folder) => `${folder}/${word.text}`);
}

/** A word that starts with a wildcard, as the path it is when no file is named like an option. */
export function withoutDash(
  word: ShellWord,
  cwds: readonly string[] | undefined,
  list: Locator["list"],
): ShellWord {
  if (word.pieces[0]?.kind !== "glob" || !/^[*?[]/.test(word.text)) return word;
  const names = cwds?.map((folder) => list(folder));
  if (names === undefined || names.some((found) => found?.some((name) => name.startsWith("-")) ?? true))
    return word;
  return { pieces: [{ kind: "text", text: "./" }, ...word.pieces], text: `./${word.text}` };
}

/** `itself`: a link that the word names is meant, not what it leads to. */
export function judgePathWord(
  word: ShellWord,
  access: Access,
  cwds: readonly string[] | undefined,
  locator: Locator,
  itself = false,
): Finding[] {
  const names = access === "read" ? ["read"] : ["edit"];
  const paths = pathsOf(word, cwds, locator.list);
  if (paths !== undefined) {
    return paths.flatMap((path) => locator.judge(path, access, names, true, itself));
  }
  const verb = access === "read" ? "reads" : access === "write" ? "writes" : "names";
  const reason = `${verb} a path that is known only as it runs: ${word.text}`;
  // What it is called at its end may say enough.
  const end = word.pieces.findLastIndex((piece) => piece.kind === "unknown");
  const rest = word.pieces
    .slice(end + 1)
    .map((piece) => piece.text)
    .join("");
  const certain = locator.judge(`/${SOMEWHERE}/${rest}`, access, names, true);
  if (certain.some(({ severity }) => severity === "protected")) {
    return [{ severity: "protected", reason: `${verb} what is protected: ${word.text}` }];
  }
  return locator.yolo ? [] : [{ severity: "special", reason }];
}
