import { structuredPatch } from "diff";

/** `unified` has no file headers. */
export type FileDiff = { unified: string; additions: number; deletions: number };

/** Texts that differ in more lines are not aligned, because the time grows with the square. This many take a few ms. */
const EDIT_LENGTH_MAX = 200;
/** This many take a tenth of a second: only for worker threads. */
const THOROUGH_EDIT_LENGTH_MAX = 600;
const CONTEXT_LINES = 3;
/** Block size for finding the first and last difference. */
const BLOCK_CHARS = 4096;

type Hunk = { oldStart: number; newStart: number; lines: string[]; oldLines: number; newLines: number };

/** Diffs only the text between the first and the last difference. */
export const diffTexts = (before: string, after: string): FileDiff =>
  quickDiff(before, after) ?? unalignedDiff(before, after);

/** undefined if aligning the texts would take too long. */
export const quickDiff = (before: string, after: string): FileDiff | undefined =>
  alignedDiff(before, after, EDIT_LENGTH_MAX);

/** As `diffTexts`, but tries harder first. */
export const thoroughDiff = (before: string, after: string): FileDiff =>
  alignedDiff(before, after, THOROUGH_EDIT_LENGTH_MAX) ?? unalignedDiff(before, after);

function alignedDiff(before: string, after: string, maxEditLength: number): FileDiff | undefined {
  const ends = commonEnds(before, after);
  const old = before.slice(ends.head, before.length - ends.tail);
  const made = after.slice(ends.head, after.length - ends.tail);
  const options = { context: CONTEXT_LINES, maxEditLength };
  const patch = structuredPatch("", "", old, made, undefined, undefined, options);
  return patch && unifiedOf(patch.hunks, ends.headLines);
}

function unalignedDiff(before: string, after: string): FileDiff {
  const ends = commonEnds(before, after);
  const old = before.slice(ends.head, before.length - ends.tail);
  const made = after.slice(ends.head, after.length - ends.tail);
  return unifiedOf(hunksOf(unalignedRows(old, made)), ends.headLines);
}

function unifiedOf(hunks: readonly Hunk[], linesBefore: number): FileDiff {
  const rows: string[] = [];
  let [additions, deletions] = [0, 0];
  for (const { oldStart, oldLines, newStart, newLines, lines } of hunks) {
    rows.push(
      `@@ -${range(oldStart + linesBefore, oldLines)} +${range(newStart + linesBefore, newLines)} @@`,
    );
    for (const line of lines) {
      rows.push(line);
      if (line.startsWith("+")) additions++;
      else if (line.startsWith("-")) deletions++;
    }
  }
  return { unified: rows.join("\n"), additions, deletions };
}

/** Shortens a diff at a line end; the counts stay those of the whole. */
export function shortDiff(diff: FileDiff, charsMax: number): FileDiff {
  if (diff.unified.length <= charsMax) return diff;
  const cut = diff.unified.lastIndexOf("\n", charsMax);
  const rest = diff.unified.slice(cut + 1).split("\n").length;
  return { ...diff, unified: `${diff.unified.slice(0, Math.max(0, cut))}\n\\ ${rest} more lines` };
}

/** For one of several files in a diff. A line with a backslash is a remark. */
export function namedDiff(path: string, unified: string): string {
  const [header = "", ...lines] = unified.split("\n");
  return [header, `\\ ${path}`, ...lines].filter((line) => line !== "" || lines.length > 0).join("\n");
}

/**
 * The number of characters that both texts have in common at each end: whole lines only, minus the context lines around
 * a change.
 */
function commonEnds(before: string, after: string): { head: number; headLines: number; tail: number } {
  const shorter = Math.min(before.length, after.length);
  let head = commonStart(before, after, shorter);
  for (let lines = 0; lines <= CONTEXT_LINES && head > 0; lines++) head = lineStart(before, head - 1);
  let tail = commonEnd(before, after, shorter - head);
  // The tail begins after the last context line.
  let start = before.length - tail;
  for (let lines = 0; lines <= CONTEXT_LINES && tail > 0; lines++) {
    const end = before.indexOf("\n", start);
    start = end === -1 ? before.length : end + 1;
    tail = before.length - start;
  }
  return { head, headLines: countOf(before, "\n", head), tail };
}

const lineStart = (text: string, offset: number): number =>
  offset <= 0 ? 0 : text.lastIndexOf("\n", offset - 1) + 1;

function commonStart(a: string, b: string, max: number): number {
  let at = 0;
  while (at + BLOCK_CHARS <= max && a.slice(at, at + BLOCK_CHARS) === b.slice(at, at + BLOCK_CHARS))
    at += BLOCK_CHARS;
  while (at < max && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  return at;
}

function commonEnd(a: string, b: string, max: number): number {
  const blockOf = (text: string, count: number) =>
    text.slice(text.length - count - BLOCK_CHARS, text.length - count);
  let count = 0;
  while (count + BLOCK_CHARS <= max && blockOf(a, count) === blockOf(b, count)) count += BLOCK_CHARS;
  while (count < max && a.charCodeAt(a.length - 1 - count) === b.charCodeAt(b.length - 1 - count)) count++;
  return count;
}

function countOf(text: string, char: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf(char); at !== -1 && at < end; at = text.indexOf(char, at + 1)) count++;
  return count;
}

type Row = { sign: " " | "-" | "+"; line: string };

/** If the number of lines is unchanged, compares line by line, so that scattered replacements are still shown. */
function unalignedRows(before: string, after: string): Row[] {
  const old = linesOf(before);
  const made = linesOf(after);
  const rows: Row[] = [];
  const push = (sign: Row["sign"], lines: readonly string[]) => {
    for (const line of lines) rows.push({ sign, line });
  };
  const replace = (start: number, end: number, madeEnd: number) => {
    push("-", old.slice(start, end));
    push("+", made.slice(start, madeEnd));
  };
  const isSame = (at: number) => old[at] === made[at];
  const isPaired = old.length === made.length;
  for (let at = 0; at < old.length; ) {
    let end = at;
    while (end < old.length && isSame(end)) end++;
    push(" ", old.slice(at, end));
    at = end;
    if (!isPaired) break;
    while (end < old.length && !isSame(end)) end++;
    replace(at, end, end);
    at = end;
  }
  if (isPaired) return rows;
  const head = rows.length;
  const shorter = Math.min(old.length, made.length) - head;
  let tail = 0;
  while (tail < shorter && old[old.length - 1 - tail] === made[made.length - 1 - tail]) tail++;
  replace(head, old.length - tail, made.length - tail);
  push(" ", old.slice(old.length - tail));
  return rows;
}

/** Groups changes into hunks with context lines. */
function hunksOf(rows: readonly Row[]): Hunk[] {
  const hunks: Hunk[] = [];
  let [oldLine, newLine] = [1, 1];
  let hunk: Hunk | undefined;
  let kept: string[] = []; // lines since the last change
  for (const { sign, line } of rows) {
    if (sign === " ") {
      kept.push(line);
      oldLine++;
      newLine++;
      continue;
    }
    if (hunk !== undefined && kept.length <= 2 * CONTEXT_LINES) addLines(hunk, " ", kept);
    else {
      if (hunk !== undefined) addLines(hunk, " ", kept.slice(0, CONTEXT_LINES));
      const before = kept.slice(-CONTEXT_LINES);
      const at = { oldStart: oldLine - before.length, newStart: newLine - before.length };
      hunk = { ...at, lines: [], oldLines: 0, newLines: 0 };
      hunks.push(hunk);
      addLines(hunk, " ", before);
    }
    kept = [];
    addLines(hunk, sign, [line]);
    if (sign === "-") oldLine++;
    else newLine++;
  }
  if (hunk !== undefined) addLines(hunk, " ", kept.slice(0, CONTEXT_LINES));
  return hunks;
}

function addLines(hunk: Hunk, sign: Row["sign"], lines: readonly string[]): void {
  for (const line of lines) {
    const isEnded = line.endsWith("\n");
    hunk.lines.push(sign + (isEnded ? line.slice(0, -1) : line));
    if (!isEnded) hunk.lines.push("\\ No newline at end of file");
    if (sign !== "+") hunk.oldLines++;
    if (sign !== "-") hunk.newLines++;
  }
}

/** Lines including their line breaks. */
const linesOf = (text: string): string[] => text.match(/[^\n]*\n|[^\n]+$/g) ?? [];

/** An empty range is given by the line before it. */
function range(start: number, count: number): string {
  if (count === 1) return `${start}`;
  return `${count === 0 ? start - 1 : start},${count}`;
}
