/** Finished rows, and the same laid out for another width. */
export type Finished = { rows: readonly string[]; layOut: (columns: number) => readonly string[] };

export type Recent = {
  add(finished: readonly Finished[]): void;
  /** Takes the newest out that fit whole into so many rows of the window, oldest first. */
  takeFitting(rowsMax: number, heightOf: (rows: readonly string[]) => number): readonly Finished[];
  /** Somebody else may have written below them: it is not certain any more that they stand right above the frame. */
  forget(): void;
};

/** More than the tallest window; what is further up nobody draws again. */
const ROWS_KEPT = 400;

/** The end of the scrollback, for drawing it again. */
export function createRecent(): Recent {
  let entries: Finished[] = [];
  return {
    add(finished) {
      entries.push(...finished);
      let rows = entries.reduce((sum, other) => sum + other.rows.length, 0);
      while (rows > ROWS_KEPT && entries.length > 1) rows -= entries.shift()?.rows.length ?? 0;
    },
    takeFitting(rowsMax, heightOf) {
      let rows = 0;
      let index = entries.length;
      while (index > 0) {
        rows += heightOf(entries[index - 1]?.rows ?? []);
        if (rows > rowsMax) break;
        index -= 1;
      }
      return entries.splice(index);
    },
    forget() {
      entries = [];
    },
  };
}
