import { startOf } from "../../protocol/cut-text.ts";
import { linesOf } from "./match-text.ts";
import { similarity, similarityMax } from "./similarity.ts";

const REGION_LINES_MAX = 24;
const CONTEXT_LINES = 2;
const LINE_CHARS_MAX = 200;
/** Less alike than this is no help. */
const SIMILARITY_MIN = 0.5;
/** Comparing letter by letter is dear: only in files of so many lines. */
const LINES_COMPARED_MAX = 5000;
/** A line that stands in the text asked for more often than this tells little about where that is. */
const VOTES_A_LINE_MAX = 8;

/** Where a text that was not found would most likely be: numbered lines, or undefined when nothing is like it. */
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

/** Each line that is the same but for its edges votes for where the text would begin. */
function bySharedLines(lines: readonly string[], wanted: readonly string[]): number | undefined {
  const indexes = Map.groupBy(wanted.keys(), (index) => wanted[index]?.trim() ?? "");
  const votes = new Map<number, number>();
  for (const [at, line] of lines.entries()) {
    const text = line.trim();
    // A closing bracket is everywhere.
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
  const telling = wanted.reduce((long, line) => (line.trim().length > long.trim().length ? line : long), "");
  let best = { at: -1, alike: SIMILARITY_MIN };
  const sought = telling.trim();
  for (const [at, line] of lines.entries()) {
    const text = line.trim();
    if (similarityMax(text, sought) <= best.alike) continue;
    const alike = similarity(text, sought);
    if (alike > best.alike) best = { at, alike };
  }
  return best.at === -1 ? undefined : Math.max(0, best.at - wanted.indexOf(telling));
}
