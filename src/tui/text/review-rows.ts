import type { Change } from "../../protocol/change.ts";
import { type DiffRow, pairChanges, parseHunks } from "./blocks/diff.ts";
import { sanitizeText } from "./sanitize.ts";

/** A row of a change in the review: the head of a hunk, or a line as it was and as it is. */
export type ReviewRow =
  | { type: "hunk"; hunk: number }
  | { type: "line"; hunk: number; before: DiffRow | undefined; after: DiffRow | undefined };

type Known = { whole: string | undefined; unified?: readonly ReviewRow[]; split?: readonly ReviewRow[] };
const known = new WeakMap<Change, Known>();

/**
 * The rows of a change's hunks. Split, a line stands beside the one that it became; else each is a row of its own, and a
 * line that did not change is the same row in `before` and `after`. `whole`: the whole file, whose other lines stand
 * between the hunks.
 */
export function reviewRows(change: Change, isSplit: boolean, whole?: string): readonly ReviewRow[] {
  const last = known.get(change);
  const entry: Known = last?.whole === whole && last !== undefined ? last : { whole };
  known.set(change, entry);
  const kind = isSplit ? "split" : "unified";
  const between = whole === undefined ? () => [] : linesBetween(change, sanitizeText(whole));
  entry[kind] ??= change.hunks.flatMap((hunk, index) => {
    const head = `@@ -${hunk.old_start},${hunk.old_lines} +${hunk.new_start},${hunk.new_lines} @@\n`;
    const rows = parseHunks(head + sanitizeText(hunk.text)).flat();
    pairChanges(rows);
    return [
      ...between(index),
      { type: "hunk", hunk: index } as const,
      ...linesOf(rows, index, isSplit),
      ...(index === change.hunks.length - 1 ? between(index + 1) : []),
    ];
  });
  return entry[kind];
}

/** The lines of the file before the hunk of that index, or after the last one; they count to the hunk that is nearest. */
function linesBetween({ hunks }: Change, whole: string): (index: number) => ReviewRow[] {
  const lines = whole.replace(/\n$/, "").split("\n");
  // A count of 0 is a place between lines: after the one that is named.
  const ends = hunks.map((hunk) => {
    const from = hunk.new_lines === 0 ? hunk.new_start + 1 : hunk.new_start;
    const oldFrom = hunk.old_lines === 0 ? hunk.old_start + 1 : hunk.old_start;
    return { from, to: from + hunk.new_lines, behind: oldFrom + hunk.old_lines - (from + hunk.new_lines) };
  });
  return (index) => {
    const first = ends[index - 1]?.to ?? 1;
    const end = ends[index]?.from ?? lines.length + 1;
    const behind = ends[index - 1]?.behind ?? 0;
    return lines.slice(first - 1, end - 1).map((text, at): ReviewRow => {
      const number = first + at;
      const row = { kind: "context", number, oldNumber: number + behind, text } as const;
      return { type: "line", hunk: Math.min(index, hunks.length - 1), before: row, after: row };
    });
  };
}

function linesOf(rows: readonly DiffRow[], hunk: number, isSplit: boolean): ReviewRow[] {
  const lines: ReviewRow[] = [];
  for (const row of rows) {
    const { kind, partner } = row;
    if (kind === "removed")
      lines.push({ type: "line", hunk, before: row, after: isSplit ? partner : undefined });
    else if (kind === "added" && !(isSplit && partner !== undefined))
      lines.push({ type: "line", hunk, before: undefined, after: row });
    else if (kind !== "added") lines.push({ type: "line", hunk, before: row, after: row });
  }
  return lines;
}
