/** Finished rows, and a function that lays them out for another width. */
export type Finished = { rows: readonly string[]; layOut: (columns: number) => readonly string[] };

export type Recent = {
  add(finished: readonly Finished[]): void;
  /** Removes and returns the newest ones that fit whole into `rowsMax` rows of the window, oldest first. */
  takeFitting(rowsMax: number, heightOf: (rows: readonly string[]) => number): readonly Finished[];
  /** Another program may have written below them, so they may no longer be right above the frame. */
  forget(): void;
};

/** More than the tallest window; older rows are never redrawn. */
const ROWS_KEPT = 400;

/** The newest rows of the scrollback, for redrawing them after a change of size. */
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
