/**
 * All texts are shortened here. A cut never splits a surrogate pair, and a lone surrogate in the input becomes U+FFFD:
 * strict servers refuse every later request of a session that holds one.
 */
const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff;
const isHigh = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff;
const splitsPair = (text: string, at: number): boolean =>
  at > 0 && at < text.length && isLow(text.charCodeAt(at)) && isHigh(text.charCodeAt(at - 1));

/** At most `unitsMax` code units from the start. */
export function startOf(text: string, unitsMax: number): string {
  const end = Math.max(0, unitsMax);
  return text.slice(0, splitsPair(text, end) ? end - 1 : end).toWellFormed();
}

/** At most `unitsMax` code units from the end. */
export function endOf(text: string, unitsMax: number): string {
  const start = Math.max(0, text.length - Math.max(0, unitsMax));
  return text.slice(splitsPair(text, start) ? start + 1 : start).toWellFormed();
}

/** A piece of text without the lone surrogates at its ends. */
export const withoutHalves = (piece: string): string =>
  piece.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "").toWellFormed();

/** The text's start and end with `middle(number of code units left out)` between them; the whole text if it fits. */
export function endsOf(text: string, unitsMax: number, middle: (left: number) => string): string {
  if (text.length <= unitsMax) return text.toWellFormed();
  const half = Math.floor(unitsMax / 2);
  const head = startOf(text, half);
  const tail = endOf(text, half);
  return `${head}${middle(text.length - head.length - tail.length)}${tail}`;
}

/** The value with all its strings, keys included, well-formed. Returns the same object if nothing changes. */
export function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const made = entries.map(([key, inner]): [string, unknown] => [key.toWellFormed(), wellFormed(inner)]);
  if (made.every(([key, inner], at) => key === entries[at]?.[0] && inner === entries[at]?.[1])) return value;
  return Array.isArray(value) ? made.map(([, inner]) => inner) : Object.fromEntries(made);
}

/**
 * Joins pieces of text that were cut anywhere. A high surrogate at the end of a piece waits for the next piece of the
 * same text. A lone surrogate becomes U+FFFD, or nothing at the end of a text.
 */
export function createPieceJoiner() {
  const held = new Map<string, string>();
  return {
    join(text: string, piece: string): string {
      const all = (held.get(text) ?? "") + piece;
      const isCut = isHigh(all.charCodeAt(all.length - 1));
      if (isCut) held.set(text, all.slice(-1));
      else if (all !== "") held.delete(text);
      return (isCut ? all.slice(0, -1) : all).toWellFormed();
    },
    /** All texts have ended. */
    clear: () => held.clear(),
  };
}
