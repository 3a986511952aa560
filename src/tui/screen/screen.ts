import type { TerminalModes } from "../input/modes.ts";
import { type Caret, difference, moveTo, type Picture } from "./difference.ts";
import { ERASE_BELOW, heightOfAll, type Place, topOf } from "./place.ts";
import { createRecent, type Finished } from "./recent.ts";

export type ScreenSize = { columns: number; rows: number };

export type ScreenOutput = { write(text: string): unknown };

export type Screen = {
  /** Sets the live region's rows. Drawn by the next flush. */
  setFrame(rows: readonly string[], caret: Caret | undefined): void;
  setCaret(caret: Caret | undefined): void;
  /** Appends finished rows above the live region. They cannot be changed later. Drawn by the next flush. */
  commit(finished: Finished): void;
  /** Draws all pending changes. */
  flush(): void;
  /** Opens or closes the alternate screen. Rows committed meanwhile wait until it is closed. */
  setAlternate(isOn: boolean): void;
  readonly isAlternate: boolean;
  /** The window's size has changed. Nothing is drawn on the main screen until `place`. */
  resized(size: ScreenSize): void;
  /** Whether the main screen waits for `place`. */
  readonly isPositionUnknown: boolean;
  /** Redraws the frame and the finished rows above it that are in the window. */
  place(place: Place): void;
  /** The same after a stop without warning: where others have written, the frame is drawn anew below. */
  placeAfterStop(place: Place): void;
  /** Scrolls everything in the window into the scrollback and goes on at its top. */
  clear(): void;
  redrawAlternate(): void;
  /** Erases the live region and stops drawing while another program runs; rows committed meanwhile wait. */
  suspend(): void;
  resume(): void;
  /** Draws pending rows, replaces the frame by `last` and leaves the cursor below it. Nothing is drawn afterwards. */
  close(last: readonly string[]): void;
  readonly size: ScreenSize;
};

const nothing: Picture = { rows: [], cursor: { row: 0, column: 0 } };
const unknown: Place = { at: undefined, narrowest: Number.POSITIVE_INFINITY, onWidth: "wraps" };
const BEGIN = "\x1b[?2026h";
const END = "\x1b[?2026l";
const CLEAR_ALTERNATE = "\x1b[m\x1b[2J\x1b[H";

/**
 * Draws finished rows into the terminal's scrollback and a live frame below them, with one write per flush. The new
 * picture (pending finished rows, then the frame) is compared with the picture on the screen: a row that goes from the
 * frame to the scrollback unchanged costs nothing, and the terminal itself moves a frame that only moves down. Ink's
 * own output would redraw the whole frame for every finished row.
 *
 * `drawn` is what the first frame has already drawn. `onDirty` is called whenever there is something to draw; the
 * caller then calls `flush`.
 */
export function createScreen(options: {
  output: ScreenOutput;
  modes: TerminalModes;
  size: ScreenSize;
  drawn?: Picture | undefined;
  onDirty: () => void;
}): Screen {
  const { output, modes, onDirty } = options;
  const recent = createRecent();
  let size = options.size;
  let main = options.drawn ?? nothing;
  /** After a change of size the main picture's position is unknown until `place`. */
  let isPositionUnknown = false;
  /** The position that was found out since; the next flush redraws everything there. */
  let placed: Place | undefined;
  let alternate: Picture | undefined;
  let frame: readonly string[] = [];
  let caret: Caret | undefined;
  let waiting: Finished[] = [];
  let state: "drawing" | "suspended" | "closed" = "drawing";

  /** Calls `onDirty` even if something was pending already: the caller may have had to postpone its flush. */
  const dirty = () => {
    if (state !== "closed") onDirty();
  };
  const write = (text: string) => {
    if (text !== "") output.write(text);
  };

  function flush(): void {
    if (state !== "drawing") return;
    if (alternate !== undefined) {
      alternate = draw("", alternate, frame.slice(0, size.rows), 0);
      return;
    }
    if (isPositionUnknown) return;
    const prefix = placed === undefined ? "" : eraseToRedraw(placed);
    const finished = waiting;
    waiting = [];
    recent.add(finished);
    const committed = finished.flatMap(({ rows }) => rows);
    // The cursor needs a row.
    const rows = frame.length === 0 ? [""] : frame;
    main = draw(prefix, main, committed.length === 0 ? rows : [...committed, ...rows], committed.length);
  }

  /** Draws `rows` over the picture `before`; the first `kept` of them go to the scrollback. */
  function draw(prefix: string, before: Picture, rows: readonly string[], kept: number): Picture {
    const last = Math.max(0, rows.length - 1);
    const cursor = caret
      ? { row: Math.min(kept + caret.row, last), column: Math.min(caret.column, size.columns - 1) }
      : { row: last, column: 0 };
    const drawing = difference(before, rows, size.rows, kept);
    const body = `${prefix}${drawing.text}${moveTo(drawing.cursor, cursor)}${modes.change("hiddenCursor", caret === undefined)}`;
    // More than one row could be seen half drawn without synchronized output.
    write(drawing.changed > 1 ? `${BEGIN}${body}${END}` : body);
    return {
      rows: kept === 0 ? rows : rows.slice(kept),
      cursor: { row: cursor.row - kept, column: cursor.column },
    };
  }

  /**
   * Erases the frame and the finished rows above it that are whole in the window; these become pending again, to be
   * drawn for the new width. A row that the terminal has wrapped takes several rows of the window.
   */
  function eraseToRedraw(place: Place): string {
    const { at, onWidth } = place;
    const height = (rows: readonly string[]) => heightOfAll(rows, size.columns, onWidth);
    const before = main;
    main = nothing;
    placed = undefined;
    // Go up by the height of the rows above the cursor; the cursor stops at the window's top.
    let erasing = eraseFrom(Math.min(height(before.rows.slice(0, before.cursor.row)), size.rows - 1));
    if (at !== undefined) {
      const { top, isCertain } = topOf(before, { ...place, at }, size.columns);
      // Do not erase rows whose position is uncertain: a frame row shown twice is better than a finished row lost.
      if (!isCertain) recent.forget();
      keepAbove(before.rows, -top, height);
      const first = Math.max(0, top);
      const above = recent.takeFitting(first, height);
      waiting.unshift(...above);
      erasing = `\x1b[${first - height(above.flatMap(({ rows }) => rows)) + 1};1H${ERASE_BELOW}`;
    } else recent.forget();
    waiting = waiting.map((entry) => ({ ...entry, rows: entry.layOut(size.columns) }));
    return erasing;
  }

  /**
   * Rows of a frame whose beginning has scrolled out of the window stay below the finished rows. If they come back into
   * the window, they are erased together with these.
   */
  function keepAbove(
    rows: readonly string[],
    above: number,
    height: (rows: readonly string[]) => number,
  ): void {
    if (above <= 0) return;
    let count = 0;
    while (count < rows.length && height(rows.slice(0, count)) < above) count += 1;
    const gone = rows.slice(0, count);
    if (height(gone) === above) recent.add([{ rows: gone, layOut: () => [] }]);
    else recent.forget();
  }

  const eraseFrom = (up: number): string => `${up > 0 ? `\x1b[${up}A` : ""}${ERASE_BELOW}`;

  function openAlternate(isOn: boolean): void {
    alternate = isOn ? nothing : undefined;
    write(`${modes.change("alternateScreen", isOn)}${isOn ? CLEAR_ALTERNATE : ""}`);
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
    commit(finished) {
      if (finished.rows.length === 0) return;
      waiting.push(finished);
      dirty();
    },
    flush,
    setAlternate(isOn) {
      if (isOn === (alternate !== undefined) || state === "closed") return;
      // Pending rows belong to the main screen.
      if (isOn && waiting.length > 0) flush();
      openAlternate(isOn);
      dirty();
    },
    get isAlternate() {
      return alternate !== undefined;
    },
    resized(next) {
      size = next;
      isPositionUnknown = true;
      placed = undefined;
    },
    get isPositionUnknown() {
      return isPositionUnknown;
    },
    place(place) {
      isPositionUnknown = false;
      placed = place;
      dirty();
    },
    placeAfterStop(place) {
      isPositionUnknown = false;
      const isMoved = place.at === undefined || place.at.column !== main.cursor.column;
      if (isMoved) {
        // Others have written here. What stands above is theirs, or cannot be told from theirs: it stays.
        main = nothing;
        recent.forget();
      } else placed = place;
      dirty();
    },
    clear() {
      if (state !== "drawing" || alternate !== undefined || isPositionUnknown) return;
      flush();
      // Erasing would lose the window's content; line feeds at its bottom scroll it into the scrollback.
      write(`${eraseFrom(main.cursor.row)}${"\n".repeat(size.rows - 1)}\x1b[H`);
      main = nothing;
      recent.forget();
      dirty();
    },
    redrawAlternate() {
      if (alternate === undefined) return;
      write(CLEAR_ALTERNATE);
      alternate = nothing;
      dirty();
    },
    suspend() {
      if (state !== "drawing") return;
      const isOn = alternate !== undefined;
      if (isOn) openAlternate(false);
      else flush();
      const erasing = isPositionUnknown ? eraseToRedraw(unknown) : eraseFrom(main.cursor.row);
      state = "suspended";
      isPositionUnknown = false;
      main = nothing;
      write(`${erasing}${modes.change("hiddenCursor", false)}`);
      recent.forget();
      // The alternate screen is reopened on resume.
      if (isOn) alternate = nothing;
    },
    resume() {
      if (state !== "suspended") return;
      state = "drawing";
      if (alternate !== undefined) openAlternate(true);
      dirty();
    },
    close(last) {
      if (state === "closed") return;
      if (alternate !== undefined) openAlternate(false);
      state = "drawing";
      if (isPositionUnknown) placed = unknown;
      isPositionUnknown = false;
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
