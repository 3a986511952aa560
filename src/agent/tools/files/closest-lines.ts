import { startOf } from "../../../protocol/cut-text.ts";
import { linesOf } from "./match-text.ts";
import { similarity, similarityMax } from "./similarity.ts";

const REGION_LINES_MAX = 24;
const CONTEXT_LINES = 2;
const LINE_CHARS_MAX = 200;
/** Less similar lines are no help. */
const SIMILARITY_MIN = 0.5;
/** Comparing letter by letter is slow, so it is skipped in longer files. */
const LINES_COMPARED_MAX = 5000;
/** A line that occurs more often in the searched text says little about its place. */
const VOTES_A_LINE_MAX = 8;

/** The numbered lines where a text that was not found most likely belongs; undefined if nothing is similar. */
export function closestLines(text: string, search: string): string | undefined {
  const lines = text.split("\n");
  const wanted = linesOf(search);
  const at = bySharedLines(lines, wanted) ?? bySimilarLine(lines, wanted);
  if (at === undefined) return undefined;
  const first = Math.max(0, at - CONTEXT_LINES);
  const last = Math.min(lines.length, first + REGION_LINES_MAX, at + wanted.length + CONTEXT_LINES);
  return numbered(lines.slice(first, last), first + 1);
}

/** `12⇥text`, as the read tool writes it. */
export function numbered(lines: readonly string[], first: number): string {
  return lines
    .map((line, index) => {
      const shown = line.length > LINE_CHARS_MAX ? `${startOf(line, LINE_CHARS_MAX)}…` : line;
      return `${first + index}\t${shown}`;
    })
    .join("\n");
}

/** Each line that is equal after trimming votes for a first line. */
function bySharedLines(lines: readonly string[], wanted: readonly string[]): number | undefined {
  const indexes = Map.groupBy(wanted.keys(), (index) => wanted[index]?.trim() ?? "");
  const votes = new Map<number, number>();
  for (const [at, line] of lines.entries()) {
    const text = line.trim();
    // Skip closing brackets and the like: they are everywhere.
    if (text.length < 3) continue;
    for (const index of indexes.get(text)?.slice(0, VOTES_A_LINE_MAX) ?? [])
      votes.set(at - index, (votes.get(at - index) ?? 0) + text.length);
  }
  const best = [...votes].reduce<[number, number] | undefined>(
    (top, vote) => (top === undefined || vote[1] > top[1] ? vote : top),
    undefined,
  );
  return best && Math.max(0, best[0]);
}

function bySimilarLine(lines: readonly string[], wanted: readonly string[]): number | undefined {
  if (lines.length > LINES_COMPARED_MAX) return undefined;
  const longest = wanted.reduce((long, line) => (line.trim().length > long.trim().length ? line : long), "");
  let best = { at: -1, alike: SIMILARITY_MIN };
  const target = longest.trim();
  for (const [at, line] of lines.entries()) {
    const text = line.trim();
    if (similarityMax(text, target) <= best.alike) continue;
    const alike = similarity(text, target);
    if (alike > best.alike) best = { at, alike };
  }
  return best.at === -1 ? undefined : Math.max(0, best.at - wanted.indexOf(longest));
}
