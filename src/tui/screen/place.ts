import { graphemesOf, isSimple } from "../text/width.ts";
import type { Caret, Picture } from "./difference.ts";

/**
 * Erases from the cursor's row to the window's end and leaves the cursor at the row's beginning. Not only `CSI J`: in
 * the window's first cell tmux takes it for a clear and moves the whole screen into its history. So the row is erased
 * first, and the rest from its second column on.
 */
export const ERASE_BELOW = "\x1b[m\r\x1b[K\x1b[C\x1b[J\r";

/**
 * How a terminal treats long rows when its width changes. Most rewrap them and keep the cursor at its text. xterm.js
 * (in VS Code and most browsers) does not rewrap the cursor's row, and rows that it adds below also move the cursor.
 * xterm and the Linux console cut rows off.
 */
export type OnWidth = "wraps" | "wraps_as_xterm_js" | "cuts";

/** What is known after the window's size has changed. */
export type Place = {
  /** The cursor's position that the terminal reports, from (0, 0); undefined if it reports none. */
  at: Caret | undefined;
  /** The narrowest width the window is known to have had during the change. */
  narrowest: number;
  onWidth: OnWidth;
};

/** Queries the terminal's name and version (secondary device attributes). */
export const TERMINAL_QUERY = "\x1b[>c";

/** Reads the reply to it; undefined for a terminal that we do not know. */
export function onWidthOf(reply: string): OnWidth | undefined {
  if (reply === "[>0;276;0c") return "wraps_as_xterm_js";
  return reply.startsWith("[>41;") ? "cuts" : undefined;
}

/** How many rows of the window a row takes after the change. Escape sequences take no room. */
export function heightOf(row: string, columns: number, onWidth: OnWidth): number {
  if (onWidth === "cuts") return 1;
  const text = row.replace(/\x1b(?:\[[0-9;:]*m|\][^\x07\x1b]*(?:\x07|\x1b\\))/g, "");
  if (isSimple(text)) return Math.max(1, Math.ceil(text.length / columns));
  let height = 1;
  let used = 0;
  for (const { width } of graphemesOf(text)) {
    if (used + width > columns) {
      height += 1;
      used = 0;
    }
    used += width;
  }
  return height;
}

export const heightOfAll = (rows: readonly string[], columns: number, onWidth: OnWidth): number =>
  rows.reduce((sum, row) => sum + heightOf(row, columns, onWidth), 0);

/**
 * The window's row of a picture's first row after a change of size, worked out from the cursor's reported position.
 * Negative if the picture's beginning has left the window. If `isCertain` is false it may be further up.
 */
export function topOf(
  { rows, cursor }: Picture,
  { at, onWidth, narrowest }: Place & { at: Caret },
  columns: number,
): { top: number; isCertain: boolean } {
  const top = at.row - heightOfAll(rows.slice(0, cursor.row), columns, onWidth);
  if (onWidth === "cuts") return { top, isCertain: true };
  if (onWidth === "wraps_as_xterm_js") {
    const below = rows.slice(cursor.row + 1);
    return { top, isCertain: heightOfAll(below, Math.min(columns, narrowest), onWidth) === below.length };
  }
  // The cursor's own row may be wrapped before the cursor.
  const height = heightOf(rows[cursor.row] ?? "", columns, onWidth);
  return { top: top - Math.min(Math.floor(cursor.column / columns), height - 1), isCertain: true };
}
