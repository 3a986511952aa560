import type { TerminalModes } from "../input/modes.ts";
import { type Caret, difference, moveTo, type Picture } from "./difference.ts";
import { ERASE_BELOW, heightOfAll, type Place, topOf } from "./place.ts";
import { createRecent, type Finished } from "./recent.ts";

export type ScreenSize = { columns: number; rows: number };

/** What the screen writes to. */
export type ScreenOutput = { write(text: string): unknown };

export type Screen = {
  /** Sets what the live region shows. Drawn with the next flush. */
  setFrame(rows: readonly string[], caret: Caret | undefined): void;
  setCaret(caret: Caret | undefined): void;
  /** Appends finished rows above the live region, for good, in order. Drawn with the next flush. */
  commit(finished: Finished): void;
  /** Draws now what waits. */
  flush(): void;
  /** Opens or closes the alternate screen. Rows committed meanwhile wait until it is closed. */
  setAlternate(isOn: boolean): void;
  readonly isAlternate: boolean;
  /** The window has another size. Nothing is drawn on the main screen until `place`. */
  resized(size: ScreenSize): void;
  /** The main screen waits for `place`. */
  readonly isAdrift: boolean;
  /** Draws the frame anew, and the finished rows above it that stand in the window. */
  place(place: Place): void;
  /** Moves all that stands in the window into the scrollback and begins again at its top. */
  clear(): void;
  /** Draws the alternate screen anew. */
  redrawAlternate(): void;
  /** Erases the live region and stops drawing, for another program; rows committed meanwhile wait. */
  suspend(): void;
  resume(): void;
  /** Draws what waits, replaces the frame by `last` and leaves the cursor below it. Nothing is drawn afterwards. */
  close(last: readonly string[]): void;
  readonly size: ScreenSize;
};

const nothing: Picture = { rows: [], cursor: { row: 0, column: 0 } };
const unknown: Place = { at: undefined, narrowest: Number.POSITIVE_INFINITY, onWidth: "wraps" };
const BEGIN = "\x1b[?2026h";
const END = "\x1b[?2026l";
const CLEAR_ALTERNATE = "\x1b[m\x1b[2J\x1b[H";

/**
 * Draws finished rows into the terminal's scrollback and a live frame below them, one write per flush. The new
 * picture is the rows that wait followed by the frame; it is compared with what stands on the screen, so that a
 * row which goes from the frame to the scrollback unchanged costs nothing, and a frame that only moves down is
 * moved by the terminal. Ink's own output would draw the whole frame again for every row that is finished.
 *
 * `drawn` is what the first frame has already put on the screen. `onDirty` is called each time that something is to be
 * drawn: `flush` draws it.
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
  /** Since a change of size it is not known where the main picture stands. */
  let isAdrift = false;
  /** What the terminal has said of it since; the next flush draws all anew there. */
  let placed: Place | undefined;
  let alternate: Picture | undefined;
  let frame: readonly string[] = [];
  let caret: Caret | undefined;
  let waiting: Finished[] = [];
  let state: "drawing" | "suspended" | "closed" = "drawing";

  /** Said also when something waits already: whoever draws may have had to put it off. */
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
    if (isAdrift) return;
    const prefix = placed === undefined ? "" : eraseToRedraw(placed);
    const finished = waiting;
    waiting = [];
    recent.add(finished);
    const committed = finished.flatMap(({ rows }) => rows);
    // A cursor needs a row to stand on.
    const rows = frame.length === 0 ? [""] : frame;
    main = draw(prefix, main, committed.length === 0 ? rows : [...committed, ...rows], committed.length);
  }

  /** Brings the screen from `before` to `rows`; the first `kept` of them are the scrollback's from now on. */
  function draw(prefix: string, before: Picture, rows: readonly string[], kept: number): Picture {
    const last = Math.max(0, rows.length - 1);
    const cursor = caret
      ? { row: Math.min(kept + caret.row, last), column: Math.min(caret.column, size.columns - 1) }
      : { row: last, column: 0 };
    const drawing = difference(before, rows, size.rows, kept);
    const body = `${prefix}${drawing.text}${moveTo(drawing.cursor, cursor)}${modes.change("hiddenCursor", caret === undefined)}`;
    // One short row is drawn in one piece anyway; more could be seen half done.
    write(drawing.changed > 1 ? `${BEGIN}${body}${END}` : body);
    return {
      rows: kept === 0 ? rows : rows.slice(kept),
      cursor: { row: cursor.row - kept, column: cursor.column },
    };
  }

  /**
   * Erases the frame, and the finished rows above it that stand whole in the window: they wait again, to be drawn for
   * this width. A row that the terminal has wrapped takes more than one of the window's.
   */
  function eraseToRedraw(place: Place): string {
    const { at, onWidth } = place;
    const height = (rows: readonly string[]) => heightOfAll(rows, size.columns, onWidth);
    const before = main;
    main = nothing;
    placed = undefined;
    // Up by what the rows above the cursor must take: at the window's top that goes no further.
    let erasing = eraseFrom(Math.min(height(before.rows.slice(0, before.cursor.row)), size.rows - 1));
    if (at !== undefined) {
      const { top, isCertain } = topOf(before, { ...place, at }, size.columns);
      // Rows that may stand elsewhere stay as they are: twice a row of the frame is better than a finished one less.
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
   * Rows of a frame whose beginning has left the window stand below the finished ones. When they come back, they are
   * erased with them.
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
      // What waits belongs to the screen that is left.
      if (isOn && waiting.length > 0) flush();
      openAlternate(isOn);
      dirty();
    },
    get isAlternate() {
      return alternate !== undefined;
    },
    resized(next) {
      size = next;
      isAdrift = true;
      placed = undefined;
    },
    get isAdrift() {
      return isAdrift;
    },
    place(place) {
      isAdrift = false;
      placed = place;
      dirty();
    },
    clear() {
      if (state !== "drawing" || alternate !== undefined || isAdrift) return;
      flush();
      // Erasing the window would lose what is in it; a line end at its bottom moves a row into the scrollback.
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
      const erasing = isAdrift ? eraseToRedraw(unknown) : eraseFrom(main.cursor.row);
      state = "suspended";
      isAdrift = false;
      main = nothing;
      write(`${erasing}${modes.change("hiddenCursor", false)}`);
      recent.forget();
      // It is opened again when we go on.
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
      if (isAdrift) placed = unknown;
      isAdrift = false;
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
