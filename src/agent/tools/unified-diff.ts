import { structuredPatch } from "diff";

/** `unified` has no file headers. */
export type FileDiff = { unified: string; additions: number; deletions: number };

/** Texts that differ in more lines are shown as one block going and one coming: the search grows with the square. */
const EDIT_LENGTH_MAX = 600;
const CONTEXT_LINES = 3;

export function diffTexts(before: string, after: string): FileDiff {
  const patch = structuredPatch("", "", before, after, undefined, undefined, {
    context: CONTEXT_LINES,
    maxEditLength: EDIT_LENGTH_MAX,
  });
  if (patch === undefined) return wholeDiff(before, after);
  const lines = patch.hunks.flatMap(({ oldStart, oldLines, newStart, newLines, lines }) => [
    `@@ -${range(oldStart, oldLines)} +${range(newStart, newLines)} @@`,
    ...lines,
  ]);
  const count = (sign: string) =>
    patch.hunks.reduce((sum, hunk) => sum + hunk.lines.filter((line) => line.startsWith(sign)).length, 0);
  return { unified: joined(lines), additions: count("+"), deletions: count("-") };
}

/** A diff for a screen or a model, cut at a line; the counts stay those of the whole. */
export function shortDiff(diff: FileDiff, charsMax: number): FileDiff {
  if (diff.unified.length <= charsMax) return diff;
  const cut = diff.unified.lastIndexOf("\n", charsMax);
  const rest = diff.unified.slice(cut + 1).split("\n").length;
  return { ...diff, unified: `${diff.unified.slice(0, Math.max(0, cut))}\n\\ ${rest} more lines` };
}

function wholeDiff(before: string, after: string): FileDiff {
  const old = before.split("\n");
  const made = after.split("\n");
  const isSameAt = (index: number) => old[index] === made[index];
  const isSameFromEnd = (index: number) => old[old.length - 1 - index] === made[made.length - 1 - index];
  const shorter = Math.min(old.length, made.length);
  let head = 0;
  while (head < shorter && isSameAt(head)) head++;
  let tail = 0;
  while (tail < shorter - head && isSameFromEnd(tail)) tail++;
  const gone = old.slice(head, old.length - tail);
  const come = made.slice(head, made.length - tail);
  const first = Math.max(0, head - CONTEXT_LINES);
  const context = old.slice(first, head);
  const header = `@@ -${range(first + 1, gone.length + context.length)} +${range(first + 1, come.length + context.length)} @@`;
  const lines = [
    header,
    ...context.map((line) => ` ${line}`),
    ...gone.map((line) => `-${line}`),
    ...come.map((line) => `+${line}`),
  ];
  return { unified: joined(lines), additions: come.length, deletions: gone.length };
}

/** Of no lines, the place is told by the line before it. */
function range(start: number, count: number): string {
  if (count === 1) return `${start}`;
  return `${count === 0 ? start - 1 : start},${count}`;
}

const joined = (lines: readonly string[]): string => lines.join("\n");
