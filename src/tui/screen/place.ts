import { graphemesOf, isSimple } from "../text/width.ts";
import type { Caret, Picture } from "./difference.ts";

/**
 * Erases from the cursor's row, which may be any, to the window's end and leaves the cursor at the row's beginning.
 * Not simply `CSI J`: from the window's first cell tmux takes that for a clear and moves the whole screen into its
 * history. So the row is erased first, and the rest from its second column.
 */
export const ERASE_BELOW = "\x1b[m\r\x1b[K\x1b[C\x1b[J\r";

/**
 * How a terminal treats rows that do not fit when its width changes. Most wrap them anew and keep the cursor at its
 * text. xterm.js (in VS Code and most browsers) leaves the cursor's own row as it is, and rows that it adds below move
 * the cursor too. xterm and the Linux console cut rows off.
 */
export type OnWidth = "wraps" | "wraps_as_xterm_js" | "cuts";

/** What is known of a change of size when it is over. */
export type Place = {
  /** Where the terminal says its cursor is, in the window from (0, 0); undefined when it says nothing. */
  at: Caret | undefined;
  /** The narrowest width that the window is known to have had on its way. */
  narrowest: number;
  onWidth: OnWidth;
};

/** Asks what terminal it is. */
export const TERMINAL_QUERY = "\x1b[>c";

/** What a terminal's answer says, if it says anything. */
export function onWidthOf(reply: string): OnWidth | undefined {
  if (reply === "[>0;276;0c") return "wraps_as_xterm_js";
  return reply.startsWith("[>41;") ? "cuts" : undefined;
}

/** How many rows of the window a row takes once the terminal has treated it so. Escape sequences take no room. */
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
 * The window's row that a picture's first row stands in after a change of size, from the place that the terminal says
 * its cursor is in; negative when the beginning has left the window. Not certain, it may stand further above.
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
  // The cursor's own row may be wrapped before it.
  const height = heightOf(rows[cursor.row] ?? "", columns, onWidth);
  return { top: top - Math.min(Math.floor(cursor.column / columns), height - 1), isCertain: true };
}
