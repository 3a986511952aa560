import { isAbsolute } from "node:path";
import type { Access, Finding } from "../rules/policy.ts";
import { type Folders, isSomewhere, SOMEWHERE } from "../shell/folders.ts";
import { isKnown, type ShellWord, splits } from "../shell/words.ts";
import { expandGlob } from "./glob-files.ts";
import type { Locator } from "./location.ts";

/** The absolute paths of a word in each folder it may be read from; undefined where that cannot be told. */
export function pathsOf(
  word: ShellWord,
  folders: Folders,
  list: Locator["list"],
): readonly string[] | undefined {
  if (!isKnown(word) || splits(word)) return undefined;
  // A number in a name does not change where it is.
  if (isAbsolute(word.text) && word.pieces.every((piece) => piece.kind !== "glob")) return [word.text];
  if (!isAbsolute(word.text) && folders.some(isSomewhere)) return undefined;
  if (word.pieces.some((piece) => piece.kind === "glob")) return expandGlob(word, folders, list);
  return folders.map((folder) => `${folder}/${word.text}`);
}

/** A word that starts with a wildcard, as the path it is when no file is named like an option. */
export function withoutDash(word: ShellWord, folders: Folders, list: Locator["list"]): ShellWord {
  if (word.pieces[0]?.kind !== "glob" || !/^[*?[]/.test(word.text)) return word;
  const hasDash = (folder: string) =>
    isSomewhere(folder) || (list(folder)?.some((name) => name.startsWith("-")) ?? true);
  if (folders.some(hasDash)) return word;
  return { pieces: [{ kind: "text", text: "./" }, ...word.pieces], text: `./${word.text}` };
}

/** `itself`: the command acts on the link that the word names, not on its target. */
export function judgePathWord(
  word: ShellWord,
  access: Access,
  folders: Folders,
  locator: Locator,
  itself = false,
): Finding[] {
  const names = access === "read" ? ["read"] : ["edit"];
  const judge = (path: string) => locator.judge(path, access, names, true, itself);
  const known = folders.filter((folder) => !isSomewhere(folder));
  const findings = pathsOf(word, known, locator.list)?.flatMap(judge) ?? [];
  if (pathsOf(word, folders, locator.list) !== undefined) return findings;
  const verb = access === "read" ? "reads" : access === "write" ? "writes" : "names";
  // The known parts before and after an unknown one may be enough to refuse it.
  const end = word.pieces.findLastIndex((piece) => piece.kind === "unknown");
  const text = (pieces: ShellWord["pieces"]) =>
    pieces.map((piece) => (piece.kind === "unknown" ? SOMEWHERE.slice(1) : piece.text)).join("");
  const whole = text(word.pieces);
  const guesses = [`${SOMEWHERE}/${text(word.pieces.slice(end + 1))}`];
  if (isAbsolute(whole)) guesses.push(whole);
  else if (word.pieces[0]?.kind !== "unknown") guesses.push(...folders.map((folder) => `${folder}/${whole}`));
  const refused = guesses.flatMap(judge).filter(({ severity }) => /^(deny|protected|rule)$/.test(severity));
  if (refused.some(({ severity }) => severity === "protected"))
    findings.push({ severity: "protected", reason: `${verb} what is protected: ${word.text}` });
  else if (refused[0] !== undefined)
    findings.push({ severity: "rule", reason: `${verb} what may be ${refused[0].reason}: ${word.text}` });
  else if (!locator.yolo)
    findings.push({
      severity: "special",
      reason: `${verb} a path that is known only as it runs: ${word.text}`,
    });
  return findings;
}
