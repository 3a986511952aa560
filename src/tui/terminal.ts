import type { InputEvent } from "./input/decode.ts";
import { createTerminalModes, type ModeName } from "./input/modes.ts";
import { createInputTap, type InputTap, type RawInput } from "./input/tap.ts";
import { canonicalRow } from "./screen/canonical-row.ts";
import type { Picture } from "./screen/difference.ts";
import { createInkOutput } from "./screen/ink-output.ts";
import { createScreen, type Screen, type ScreenSize } from "./screen/screen.ts";
import { createStore, type Store } from "./store.ts";
import { type AppView, emptyView, keepUnchanged, rowsOf } from "./view/app-view.ts";

/** The streams of a terminal, as far as they are used. */
export type TerminalStreams = {
  input: RawInput;
  output: {
    write(text: string): unknown;
    columns?: number | undefined;
    rows?: number | undefined;
    on(event: "resize", listener: () => void): unknown;
    off(event: "resize", listener: () => void): unknown;
  };
};

export type Terminal = {
  readonly size: ScreenSize;
  /** Shows a view, together with the rows committed before it: both reach the terminal in one write. */
  show(view: AppView): void;
  /** Has Ink draw from now on; happens by itself in the first pause. */
  loadInk(): Promise<void>;
  /** Rows in canonical form. */
  commit(rows: readonly string[]): void;
  /** Draws everything afresh from the top of the window. */
  repaint(): void;
  redrawAbove: Screen["redrawAbove"];
  /** Takes the keys from whoever had them; `typed` came before. */
  listen(
    typed: readonly Uint8Array[],
    onEvents: (events: readonly InputEvent[]) => void,
    onEnd: () => void,
  ): void;
  /** Bytes that draw nothing: a title, a bell. */
  send(sequence: string): void;
  /** Lends the terminal to another program. */
  lend<T>(use: () => Promise<T>): Promise<T>;
  /** Draws `last` in place of the frame, undoes every mode and lets go. Safe to call more than once. */
  close(last: readonly string[]): void;
};

/** A window that is dragged tells its size every few milliseconds. */
const SETTLE_MS = 50;
/** When nothing has been drawn for so long, nobody waits for a moment of loading. */
const PAUSE_MS = 100;
const usedModes = ["title", "bracketedPaste", "focusReports", "kittyKeyboard", "modifiedKeys"] as const;

/** Puts Ink, our screen, the modes and the keyboard together on one terminal. */
export function openTerminal(
  streams: TerminalStreams,
  options: {
    drawn: Picture | undefined;
    /** `isCertain`: what stands above the frame is where it was. */
    onResize: (size: ScreenSize, isCertain: boolean) => void;
    onModes: (active: readonly ModeName[]) => void;
    /** The first pause, Ink is loaded: what else is better done before it is needed can be done now. */
    onPause?: () => void;
  },
): Terminal {
  const { input, output } = streams;
  const modes = createTerminalModes(output, options.onModes);
  const view: Store<AppView> = createStore(emptyView);
  let scheduled: NodeJS.Immediate | undefined;
  let tap: InputTap | undefined;
  let isClosed = false;

  const flush = () => {
    scheduled = undefined;
    if (settling === undefined) screen.flush();
  };
  /** Behind whatever of this turn of the loop draws yet. */
  const flushLast = () => {
    clearImmediate(scheduled);
    scheduled = setImmediate(flush);
  };
  const screen = createScreen({
    output,
    modes,
    size: sizeOf(output),
    drawn: options.drawn,
    // After React has drawn what the same event committed, so that both are one write.
    onDirty: () => {
      scheduled ??= setImmediate(flush);
    },
  });

  let canonical = new Map<string, string>();
  const setFrame = (painted: readonly string[]) => {
    const next = new Map<string, string>();
    const rows = painted.map((row) => {
      const known = canonical.get(row) ?? canonicalRow(row);
      next.set(row, known);
      return known;
    });
    canonical = next;
    screen.setFrame(rows, view.get().caret);
  };
  const stdout = createInkOutput({ size: () => screen.size, onFrame: setFrame });
  // Ink takes longer to load and to draw its first frame than everything else of a start together. Until it is there
  // its frame is made without it: rows that are laid out already, one below the other.
  let ink: { unmount(): void } | undefined;
  let inkPause: NodeJS.Timeout | undefined;
  let inkLoading: Promise<void> | undefined;
  const startInk = async () => {
    clearTimeout(inkPause);
    const { renderApp } = await import("./app.tsx");
    if (isClosed) return;
    ink = renderApp(view, stdout);
    options.onPause?.();
  };
  const loadInk = () => {
    inkLoading ??= startInk();
    return inkLoading;
  };

  // While the window is dragged nothing is drawn: between its size and our knowing it, every movement of the cursor
  // could miss. The terminal wraps what it shows by itself meanwhile.
  let settling: NodeJS.Timeout | undefined;
  const settle = () => {
    settling = undefined;
    const size = sizeOf(output);
    options.onResize(size, screen.resized(size));
    // Until all is drawn for the new width, the frame's rows are too long for the window.
    flushLast();
  };
  const resize = () => {
    clearTimeout(settling);
    settling = setTimeout(settle, SETTLE_MS);
  };
  output.on("resize", resize);

  return {
    get size() {
      return screen.size;
    },
    repaint: () => screen.repaint([]),
    redrawAbove: (cursorRow, choose) => screen.redrawAbove(cursorRow, choose),
    show(next) {
      const before = view.get();
      const kept = keepUnchanged(before, next);
      screen.setAlternate(kept.kind === "overlay");
      view.set(kept);
      if (ink === undefined) {
        setFrame(rowsOf(kept));
        clearTimeout(inkPause);
        // Should it be gone from the disk, all goes on as it began.
        inkPause = setTimeout(() => void loadInk().catch(() => {}), PAUSE_MS);
      }
      // A caret that moves over unchanged rows makes no frame of Ink's.
      else screen.setCaret(kept.caret);
    },
    loadInk,
    commit(rows) {
      screen.commit(rows);
      // Until the frame is drawn without them, they would be seen twice.
      flushLast();
    },
    listen(typed, onEvents, onEnd) {
      for (const mode of usedModes) modes.set(mode, true);
      tap = createInputTap({ input, typed, onEvents, onEnd });
    },
    send(sequence) {
      if (!isClosed) output.write(sequence);
    },
    async lend(use) {
      screen.suspend();
      tap?.suspend();
      modes.restore();
      try {
        return await use();
      } finally {
        if (!isClosed) {
          modes.reapply();
          tap?.resume();
          screen.resume();
        }
      }
    },
    close(last) {
      if (isClosed) return;
      isClosed = true;
      clearImmediate(scheduled);
      clearTimeout(settling);
      clearTimeout(inkPause);
      output.off("resize", resize);
      stdout.close();
      screen.close(last.map(canonicalRow));
      tap?.close();
      modes.restore();
      ink?.unmount();
    },
  };
}

const sizeOf = ({ columns, rows }: TerminalStreams["output"]): ScreenSize => ({
  columns: columns && columns > 0 ? columns : 80,
  rows: rows && rows > 0 ? rows : 24,
});
