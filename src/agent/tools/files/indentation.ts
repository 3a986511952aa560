/** Gives a new line the indentation of its place in the file. */
export type Reindent = (line: string) => string;

type Pair = { written: string; found: string };

/**
 * Infers from lines that differ only in indentation how to turn the `written` into the `found` indentation. undefined if
 * there is no consistent mapping: then the two do not have the same structure.
 */
export function inferIndentation(written: readonly string[], found: readonly string[]): Reindent | undefined {
  const known = new Map<string, string>();
  for (const [index, line] of written.entries()) {
    const there = found[index] ?? "";
    if (line.trim() === "" || there.trim() === "") continue;
    const before = known.get(indentOf(line));
    if (before !== undefined && before !== indentOf(there)) return undefined;
    known.set(indentOf(line), indentOf(there));
  }
  const pairs = [...known].map(([from, to]): Pair => ({ written: from, found: to }));
  if (new Set(known.values()).size < known.size) return undefined; // two levels became one
  if (pairs.every((pair) => pair.written === pair.found)) return (line) => line;
  const step = stepOf(pairs);
  return (line) => {
    if (line.trim() === "") return line;
    const indent = indentOf(line);
    return (known.get(indent) ?? moved(indent, pairs, step)) + line.slice(indent.length);
  };
}

/** Any leading whitespace, including ideographic and no-break spaces. */
export const indentOf = (line: string): string => /^[^\S\r\n]*/.exec(line)?.[0] ?? "";

/** One level of indentation: its width on each side. */
type Step = { written: number; found: number; char: string };

function stepOf(pairs: readonly Pair[]): Step | undefined {
  const sorted = pairs.toSorted((a, b) => a.written.length - b.written.length);
  for (const [index, upper] of sorted.entries()) {
    const lower = sorted[index - 1];
    if (lower === undefined) continue;
    const step = {
      written: upper.written.length - lower.written.length,
      found: upper.found.length - lower.found.length,
      char: upper.found.at(-1) ?? " ",
    };
    if (step.found > 0) return step;
  }
  // A single level is enough only for spaces against tabs; otherwise the place may just be deeper.
  const [only] = sorted;
  if (only === undefined || only.written === "" || only.found === "" || only.written[0] === only.found[0])
    return undefined;
  return { written: only.written.length, found: only.found.length, char: only.found.charAt(0) };
}

/** Maps an indentation that no known line has: the nearest known one, plus or minus the difference in levels. */
function moved(indent: string, pairs: readonly Pair[], step: Step | undefined): string {
  const distance = (pair: Pair) => Math.abs(pair.written.length - indent.length);
  const nearest = pairs.toSorted((a, b) => distance(a) - distance(b))[0];
  if (nearest === undefined) return indent;
  const more = indent.length - nearest.written.length;
  if (step === undefined) {
    if (more >= 0) return nearest.found + indent.slice(nearest.written.length);
    return nearest.found.slice(0, Math.max(0, nearest.found.length + more));
  }
  const levels = Math.trunc(more / step.written) * step.found;
  // A remainder below one level is alignment, and is kept.
  if (more >= 0) return nearest.found + step.char.repeat(levels) + " ".repeat(more % step.written);
  return nearest.found.slice(0, Math.max(0, nearest.found.length + levels));
}
