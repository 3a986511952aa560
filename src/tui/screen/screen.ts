import type { TerminalModes } from "../input/modes.ts";
import { widthOf } from "../text/width.ts";
import { type Caret, difference, moveTo, type Picture } from "./difference.ts";

export type ScreenSize = { columns: number; rows: number };

/** What the screen writes to. */
export type ScreenOutput = { write(text: string): unknown };

/** The rows of the window that rows take after the terminal has wrapped them. */
export type HeightOf = (rows: readonly string[]) => number;
export type Redrawing = { old: readonly string[]; fresh: readonly string[] };

export type Screen = {
  /** Sets what the live region shows. Drawn with the next flush. */
  setFrame(rows: readonly string[], caret: Caret | undefined): void;
  setCaret(caret: Caret | undefined): void;
  /** Appends finished rows above the live region, for good, in order. Drawn with the next flush. */
  commit(rows: readonly string[]): void;
  /** Draws now what waits. */
  flush(): void;
  /** Opens or closes the alternate screen. Rows committed meanwhile wait until it is closed. */
  setAlternate(isOn: boolean): void;
  /** Draws everything afresh from the top of the window, `above` over the frame. */
  repaint(above: readonly string[]): void;
  /** False when it is not certain that the frame was found again: a row of it may have been left above. */
  resized(size: ScreenSize): boolean;
  /**
   * Draws rows that stand right above the frame again, as they are at this width. The cursor's row in the window
   * (from 0, as the terminal has told it) says how many can be reached.
   */
  redrawAbove(
    cursorRow: number,
    choose: (rowsMax: number, heightOf: HeightOf) => Redrawing | undefined,
  ): void;
  /** Erases the live region and stops drawing, for another program; rows committed meanwhile wait. */
  suspend(): void;
  resume(): void;
  /** Draws what waits, replaces the frame by `last` and leaves the cursor below it. Nothing is drawn afterwards. */
  close(last: readonly string[]): void;
  readonly size: ScreenSize;
};

const nothing: Picture = { rows: [], cursor: { row: 0, column: 0 } };
const BEGIN = "\x1b[?2026h";
const END = "\x1b[?2026l";

/**
 * Draws finished rows into the terminal's scrollback and a live frame below them, one write per flush. The new
 * picture is the rows that wait followed by the frame; it is compared with what stands on the screen, so that a
 * row which goes from the frame to the scrollback unchanged costs nothing, and a frame that only moves down is
 * moved by the terminal. Ink's own output would draw the whole frame again for every row that is finished.
 *
 * `drawn` is what the first frame has already put on the screen. `onDirty` is called when something waits to be
 * drawn and nothing did before.
 */
export function createScreen(options: {
  output: ScreenOutput;
  modes: TerminalModes;
  size: ScreenSize;
  drawn?: Picture | undefined;
  onDirty: () => void;
}): Screen {
  const { output, modes, onDirty } = options;
  let size = options.size;
  let main = options.drawn ?? nothing;
  let alternate: Picture | undefined;
  /** The window changed its size under the main screen while the alternate one was open. */
  let isMainStale = false;
  let frame: readonly string[] = [];
  let caret: Caret | undefined;
  let waiting: string[] = [];
  let state: "drawing" | "suspended" | "closed" = "drawing";
  let isDirty = false;

  const dirty = () => {
    if (isDirty || state === "closed") return;
    isDirty = true;
    onDirty();
  };
  const write = (text: string) => {
    if (text !== "") output.write(text);
  };

  function flush(): void {
    isDirty = false;
    if (state !== "drawing") return;
    if (alternate !== undefined) {
      alternate = draw("", alternate, frame.slice(0, size.rows), 0);
      return;
    }
    const committed = waiting;
    waiting = [];
    const erased = isMainStale ? eraseFrame() : "";
    // A cursor needs a row to stand on.
    const rows = frame.length === 0 ? [""] : frame;
    main = draw(erased, main, committed.length === 0 ? rows : [...committed, ...rows], committed.length);
  }

  /** Brings the screen from `before` to `rows`; the first `kept` of them are the scrollback's from now on. */
  function draw(prefix: string, before: Picture, rows: readonly string[], kept: number): Picture {
    const last = Math.max(0, rows.length - 1);
    const cursor = caret
      ? { row: Math.min(kept + caret.row, last), column: Math.min(caret.column, size.columns - 1) }
      : { row: last, column: 0 };
    const drawing = difference(before, rows, size.rows);
    const body = `${prefix}${drawing.text}${moveTo(drawing.cursor, cursor)}${modes.change("hiddenCursor", caret === undefined)}`;
    // One short row is drawn in one piece anyway; more could be seen half done.
    write(drawing.changed > 1 ? `${BEGIN}${body}${END}` : body);
    return {
      rows: kept === 0 ? rows : rows.slice(kept),
      cursor: { row: cursor.row - kept, column: cursor.column },
    };
  }

  /** The bytes that erase the main frame, from anywhere in it. */
  function eraseFrame(): string {
    const up = main.cursor.row;
    main = nothing;
    isMainStale = false;
    return `${up > 0 ? `\x1b[${up}A` : ""}\r\x1b[m\x1b[J`;
  }

  return {
    setFrame(rows, at) {
      frame = rows;
      caret = at;
      dirty();
    },
    setCaret(at) {
      if (at?.row === caret?.row && at?.column === caret?.column) return;
      caret = at;
      dirty();
    },
    commit(rows) {
      if (rows.length === 0) return;
      waiting.push(...rows);
      dirty();
    },
    flush,
    setAlternate(isOn) {
      if (isOn === (alternate !== undefined) || state === "closed") return;
      // What waits belongs to the screen that is left.
      if (isOn && waiting.length > 0) flush();
      alternate = isOn ? nothing : undefined;
      write(`${modes.change("alternateScreen", isOn)}${isOn ? "\x1b[2J\x1b[H" : ""}`);
      dirty();
    },
    repaint(above) {
      if (alternate === undefined) {
        write("\x1b[m\x1b[H\x1b[J");
        main = nothing;
        isMainStale = false;
        waiting = [...above, ...waiting];
      } else {
        write("\x1b[m\x1b[2J\x1b[H");
        alternate = nothing;
      }
      dirty();
    },
    resized(next) {
      if (next.columns === size.columns && next.rows === size.rows) return true;
      size = next;
      // The terminal wraps the rows anew by itself: what stood above the cursor may now stand further above. The
      // cursor's own row is left as it is by some (xterm.js) and wrapped by others, and rows below it that are
      // wrapped move the cursor in some. What is believed here can leave a row of the frame behind; the opposite
      // could erase one that is finished.
      const isCertain = main.rows
        .slice(main.cursor.row)
        .every((shown) => heightOf(shown, next.columns) === 1);
      const above = main.rows
        .slice(0, main.cursor.row)
        .reduce((sum, shown) => sum + heightOf(shown, next.columns), 0);
      const row = Math.min(above, next.rows - 1);
      main = { rows: main.rows, cursor: { row, column: 0 } };
      isMainStale = true;
      if (alternate !== undefined) {
        write("\x1b[m\x1b[2J\x1b[H");
        alternate = nothing;
      }
      dirty();
      return isCertain;
    },
    redrawAbove(cursorRow, choose) {
      if (alternate !== undefined || state !== "drawing" || isMainStale) return;
      const rowsMax = cursorRow - main.cursor.row;
      const heightOfRows: HeightOf = (rows) =>
        rows.reduce((sum, row) => sum + heightOf(row, size.columns), 0);
      const redrawing = rowsMax > 0 ? choose(rowsMax, heightOfRows) : undefined;
      if (redrawing === undefined) return;
      main = { rows: main.rows, cursor: { row: main.cursor.row + heightOfRows(redrawing.old), column: 0 } };
      isMainStale = true;
      waiting = [...redrawing.fresh, ...waiting];
      dirty();
    },
    suspend() {
      if (state !== "drawing") return;
      flush();
      state = "suspended";
      write(`${eraseFrame()}${modes.change("hiddenCursor", false)}`);
    },
    resume() {
      if (state !== "suspended") return;
      state = "drawing";
      dirty();
    },
    close(last) {
      if (state === "closed") return;
      if (alternate !== undefined) write(modes.change("alternateScreen", false));
      alternate = undefined;
      state = "drawing";
      frame = last;
      caret = { row: Math.max(0, last.length - 1), column: 0 };
      flush();
      state = "closed";
      if (last.length > 0) write("\r\n");
    },
    get size() {
      return size;
    },
  };
}

/** How many rows a row takes after the terminal has wrapped it. Escape sequences take no room. */
function heightOf(row: string, columns: number): number {
  const width = widthOf(row.replace(/\x1b(?:\[[0-9;:]*m|\][^\x07\x1b]*(?:\x07|\x1b\\))/g, ""));
  return Math.max(1, Math.ceil(width / Math.max(1, columns)));
}
