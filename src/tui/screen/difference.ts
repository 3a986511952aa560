import { rowUpdate, wholeRow } from "./row-update.ts";

/** A position in the frame, from its top left. */
export type Caret = { row: number; column: number };
/** The rows on the screen, from the frame's first one on, and the cursor's position. */
export type Picture = { rows: readonly string[]; cursor: Caret };
/** `changed`: the number of rows written or moved. The cursor's column is -1 if it is unknown. */
export type Drawing = { text: string; cursor: Caret; changed: number };

/**
 * The bytes that turn one picture into another. Cursor movements are relative, so the picture may be anywhere on the
 * screen. The terminal moves the rows at the end that both have in common. No row is wider than the window. The first
 * `finished` rows go to the scrollback: if one changes it is written whole, so that it is right even if the window has
 * just become smaller and the picture has moved.
 */
export function difference(
  before: Picture,
  rows: readonly string[],
  viewportRows: number,
  finished = 0,
): Drawing {
  const old = before.rows;
  const least = Math.min(old.length, rows.length);
  let top = 0;
  while (top < least && old[top] === rows[top]) top += 1;
  let bottom = 0;
  while (bottom < least - top && old.at(-1 - bottom) === rows.at(-1 - bottom)) bottom += 1;
  // Rows that scroll out of the window cannot be changed any more: everything after the first change is rewritten.
  if (rows.length > viewportRows) bottom = 0;
  const oldMiddle = old.length - top - bottom;
  const newMiddle = rows.length - top - bottom;
  if (oldMiddle === 0 && newMiddle === 0) return { text: "", cursor: before.cursor, changed: 0 };

  const out: string[] = [];
  let cursor = before.cursor;
  const go = (row: number) => {
    const column = row > cursor.row ? -1 : cursor.column;
    out.push(moveTo(cursor, { row, column }));
    cursor = { row, column };
  };
  const put = (text: string, row: number) => {
    out.push(text);
    cursor = { row, column: -1 };
  };

  if (bottom > 0) {
    const more = newMiddle - oldMiddle;
    if (more > 0) {
      // Line feeds make room below (at the window's end they scroll); inserting lines moves the rest down.
      go(old.length - 1);
      put("\n".repeat(more), old.length - 1 + more);
      go(top + oldMiddle);
      put(`\x1b[${more}L`, top + oldMiddle);
    } else if (more < 0) {
      go(top + newMiddle);
      put(`\x1b[${-more}M`, top + newMiddle);
    }
  }
  for (let row = top; row < top + newMiddle; row += 1) {
    const after = rows[row] ?? "";
    const isNew = row - top >= oldMiddle;
    if (isNew && bottom === 0 && row > 0) {
      go(row - 1);
      // An earlier program may have left text below the cursor: erase it.
      put("\r\n\x1b[K", row);
    }
    const from = isNew ? "" : (old[row] ?? "");
    const update = row < finished && from !== after ? wholeRow(after) : rowUpdate(from, after);
    if (update === "") continue;
    go(row);
    put(update, row);
  }
  if (bottom === 0 && rows.length < old.length) {
    go(rows.length);
    put("\r\x1b[m\x1b[J", rows.length);
  }
  return { text: out.join(""), cursor, changed: newMiddle + Math.abs(newMiddle - oldMiddle) };
}

/**
 * Moves the cursor between existing rows; an unknown column is set absolutely. Downwards by line feeds: if the window
 * has just become smaller they scroll it, while other movements would stop and overwrite the last row.
 */
export function moveTo(from: Caret, to: Caret): string {
  const rows = to.row - from.row;
  const vertical = rows > 0 ? "\n".repeat(rows) : rows === 0 ? "" : `\x1b[${rows === -1 ? "" : -rows}A`;
  // Depending on the TTY's settings a line feed may also go to the first column.
  if (to.column === -1 || (to.column === from.column && rows <= 0)) return vertical;
  return `${vertical}${to.column === 0 ? "\r" : `\x1b[${to.column + 1}G`}`;
}
