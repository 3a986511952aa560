import type { Result } from "./run.ts";

const percent = (part: number, whole: number): string =>
  whole === 0 ? "–" : `${Math.round((100 * part) / whole)} %`;
const sum = (results: readonly Result[], of: (result: Result) => number): number =>
  results.reduce((total, result) => total + of(result), 0);

/** A table of the tasks, and what they come to together. */
export function reportText(results: readonly Result[]): string {
  const rows = results.map((result) =>
    [
      result.isSolved ? "yes" : "no",
      String(result.steps),
      String(result.toolCalls),
      String(result.failedCalls),
      String(result.inputTokens),
      percent(result.cachedTokens, result.inputTokens),
      String(result.outputTokens),
      result.cost.toFixed(4),
      result.seconds.toFixed(0),
      result.task,
    ].map((cell, column) => (column === 9 ? cell : cell.padStart(widths[column] ?? 0))),
  );
  const lines = [heads.map((head, column) => head.padStart(widths[column] ?? 0)), ...rows].map((row) =>
    row.join("  "),
  );
  const solved = results.filter(({ isSolved }) => isSolved).length;
  const edits = sum(results, ({ edits }) => edits);
  const calls = sum(results, ({ toolCalls }) => toolCalls);
  const input = sum(results, ({ inputTokens }) => inputTokens);
  return `${lines.join("\n")}

solved ${solved} of ${results.length} (${percent(solved, results.length)})
edits right at the first try: ${percent(
    sum(results, (one) => one.firstTryEdits),
    edits,
  )} of ${edits} (aim 95 %)
tool calls that failed: ${percent(
    sum(results, (one) => one.failedCalls),
    calls,
  )} of ${calls} (aim below 5 %)
input from the cache: ${percent(
    sum(results, (one) => one.cachedTokens),
    input,
  )} of ${input} tokens
cost: ${sum(results, (one) => one.cost).toFixed(4)} USD
`;
}

const heads = ["solved", "steps", "calls", "failed", "in", "cached", "out", "USD", "s", "task"];
const widths = [6, 5, 5, 6, 9, 6, 7, 7, 5, 0];
