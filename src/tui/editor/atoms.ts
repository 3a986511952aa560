import { plural } from "../../protocol/plural.ts";
import type { Attachment } from "../../protocol/routes/runs.ts";
import { widthOf } from "../text/width.ts";

/** A long paste, folded into one atom; the whole text is sent. */
export type PasteAtom = { paste: number; text: string };
/** An attachment: a workspace file by its path, or any file with its bytes (base64). `text` is shown in its place. */
export type FileAtom = { file: Attachment; text: string };
/** What one cursor movement passes: a grapheme (a line break is "\n"), a folded paste, or a file. */
export type Atom = string | PasteAtom | FileAtom;

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" });
const isAscii = (text: string) => /^[\x20-\x7e\n\t]*$/.test(text);

/** Splits text into graphemes. Every kind of line break becomes "\n". */
export function atomsOf(text: string): Atom[] {
  const clean = cleanText(text);
  if (isAscii(clean)) return clean.split("");
  return Array.from(segmenter.segment(clean), ({ segment }) => segment);
}

/** The text without control characters; line breaks and tabs stay. */
export const cleanText = (text: string): string =>
  text
    .replace(/\r\n?/g, "\n")
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]/gu, (char) =>
      char === "\u2028" || char === "\u2029" ? "\n" : "",
    );

/** The text that is sent: pastes are unfolded. */
export const textOf = (atoms: readonly Atom[]): string =>
  atoms.map((atom) => (typeof atom === "string" ? atom : atom.text)).join("");

/** The attachments of a prompt, without duplicates. */
export function attachmentsOf(atoms: readonly Atom[]): Attachment[] {
  const files = atoms.flatMap((atom) => (typeof atom === "object" && "file" in atom ? [atom.file] : []));
  return files.filter(
    (file, index) => file.path === undefined || files.findIndex(({ path }) => path === file.path) === index,
  );
}

/** What is shown for a folded paste. */
export function pasteLabel(atom: PasteAtom): string {
  const lines = atom.text.replace(/\n$/, "").split("\n").length;
  return lines > 1
    ? `[pasted #${atom.paste} · ${plural(lines, "line")}]`
    : `[pasted #${atom.paste} · ${plural(atom.text.length, "character")}]`;
}

/** Splits text into atoms. Names of files in `before` become file atoms again. */
export function withFiles(text: string, before: readonly Atom[]): Atom[] {
  const [file] = before.flatMap((atom, index) =>
    typeof atom === "object" && "file" in atom ? [{ atom, rest: before.slice(index + 1) }] : [],
  );
  if (file === undefined) return atomsOf(cleanText(text));
  const at = text.indexOf(file.atom.text);
  if (at === -1) return withFiles(text, file.rest);
  const end = at + file.atom.text.length;
  return [...withFiles(text.slice(0, at), file.rest), file.atom, ...withFiles(text.slice(end), file.rest)];
}

export const TAB_COLUMNS = 4;

/** How an atom is drawn. */
export function shownOf(atom: Atom): string {
  if (typeof atom === "string") return atom === "\t" ? " ".repeat(TAB_COLUMNS) : atom;
  return "file" in atom ? atom.text : pasteLabel(atom);
}

export function widthOfAtom(atom: Atom): number {
  if (typeof atom !== "string") return widthOf(shownOf(atom));
  if (atom === "\t") return TAB_COLUMNS;
  if (atom.length === 1 && atom >= " " && atom <= "~") return 1;
  // Terminals draw a lone regional indicator (half a flag) and a lone combining mark with a width.
  return Math.max(1, widthOf(atom));
}

export type AtomKind = "space" | "word" | "sign";

/** For word movements: letters, digits and folded pastes make words; runs of other signs count as words too. */
export function kindOf(atom: Atom): AtomKind {
  if (typeof atom !== "string") return "word";
  if (/^\s/u.test(atom)) return "space";
  return /^[\p{L}\p{N}\p{M}_]/u.test(atom) ? "word" : "sign";
}

/**
 * Inserts `added` between `left` and `right`. Characters that combine with a neighbour join it, so the result is the
 * same as if the text had been typed at once. The caret is placed after the grapheme with the last added character.
 */
export function join(
  left: readonly Atom[],
  added: readonly Atom[],
  right: readonly Atom[],
): { atoms: Atom[]; caret: number } {
  const atoms = [...left, ...added, ...right];
  const second = left.length + added.length;
  // The later seam first: merging there does not move the earlier one.
  const isCutAnew = [mend(atoms, second), mend(atoms, left.length)].includes(true);
  if (!isCutAnew) return { atoms, caret: second };
  return { atoms, caret: indexAfter(atoms, unitsOf(left) + unitsOf(added)) };
}

/** Splits the characters around `seam` into graphemes again. ASCII combines only with a mark that follows it. */
function mend(atoms: Atom[], seam: number): boolean {
  const before = atoms[seam - 1];
  const after = atoms[seam];
  if (typeof before !== "string" || typeof after !== "string" || (isAscii(before) && isAscii(after))) {
    return false;
  }
  const joins = (atom: Atom | undefined) => typeof atom === "string" && !isAscii(atom);
  let start = seam - 1;
  while (joins(atoms[start]) && typeof atoms[start - 1] === "string") start -= 1;
  let end = seam;
  while (joins(atoms[end])) end += 1;
  if (typeof atoms[end] === "string") end += 1;
  const again = atomsOf(atoms.slice(start, end).join(""));
  atoms.splice(start, end - start, ...again);
  return true;
}

const unitsOf = (atoms: readonly Atom[]): number =>
  atoms.reduce((sum, atom) => sum + (typeof atom === "string" ? atom.length : 1), 0);

function indexAfter(atoms: readonly Atom[], units: number): number {
  let passed = 0;
  let index = 0;
  while (passed < units && index < atoms.length) {
    const atom = atoms[index];
    passed += typeof atom === "string" ? atom.length : 1;
    index += 1;
  }
  return index;
}
