import type { Block } from "../text/block.ts";

/** Rows that stand in the scrollback, and what they were drawn of. */
export type RecentEntry = { blocks: readonly Block[]; previous: Block | undefined; rows: readonly string[] };

export type Recent = {
  add(entry: RecentEntry): void;
  /** The newest entries that fit into so many rows of the window, oldest first. `heightOf` counts an entry's rows. */
  fitting(rowsMax: number, heightOf: (rows: readonly string[]) => number): readonly RecentEntry[];
  /** It is not certain any more that they stand right above the frame. */
  forget(): void;
  /** Takes the place of the newest entries, which have been drawn again. */
  replace(count: number, entries: readonly RecentEntry[]): void;
};

/** More than the tallest window; what is further up nobody draws again. */
const ROWS_KEPT = 400;

/** The end of the scrollback, for drawing it again at another width. */
export function createRecent(): Recent {
  let entries: RecentEntry[] = [];
  return {
    add(entry) {
      entries.push(entry);
      let rows = entries.reduce((sum, other) => sum + other.rows.length, 0);
      while (rows > ROWS_KEPT && entries.length > 1) rows -= entries.shift()?.rows.length ?? 0;
    },
    fitting(rowsMax, heightOf) {
      let rows = 0;
      let index = entries.length;
      while (index > 0) {
        rows += heightOf(entries[index - 1]?.rows ?? []);
        if (rows > rowsMax) break;
        index -= 1;
      }
      return entries.slice(index);
    },
    forget() {
      entries = [];
    },
    replace(count, next) {
      entries = [...entries.slice(0, entries.length - count), ...next];
    },
  };
}
