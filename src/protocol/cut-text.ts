/**
 * The one way to shorten text. A cut never goes through a character that is written as a pair of code units, and a
 * half pair that came in becomes U+FFFD: strict servers refuse every later request of a session that holds one.
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

/** A piece that was cut from a longer text without regard for characters, without the halves at its ends. */
export const withoutHalves = (piece: string): string =>
  piece.replace(/^[\udc00-\udfff]|[\ud800-\udbff]$/g, "").toWellFormed();

/** Both ends, with what `middle` says of the number of code units left out; the whole text where it fits. */
export function endsOf(text: string, unitsMax: number, middle: (left: number) => string): string {
  if (text.length <= unitsMax) return text.toWellFormed();
  const half = Math.floor(unitsMax / 2);
  const head = startOf(text, half);
  const tail = endOf(text, half);
  return `${head}${middle(text.length - head.length - tail.length)}${tail}`;
}

/** The same value with every text in it, keys included, well-formed. Gives back the value itself where it was. */
export function wellFormed(value: unknown): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value);
  const made = entries.map(([key, inner]): [string, unknown] => [key.toWellFormed(), wellFormed(inner)]);
  if (made.every(([key, inner], at) => key === entries[at]?.[0] && inner === entries[at]?.[1])) return value;
  return Array.isArray(value) ? made.map(([, inner]) => inner) : Object.fromEntries(made);
}

/**
 * Joins pieces of texts that were cut anywhere: the first half of a character at the end of a piece waits for the next
 * piece of the same text. A half without its other is told as U+FFFD, and not at all where nothing follows.
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
    /** No text goes on. */
    clear: () => held.clear(),
  };
}
