import { renderApp } from "../components/App.tsx";
import type { InputEvent } from "../input/decode.ts";
import { createTerminalModes, type ModeName } from "../input/modes.ts";
import { createInputTap, type InputTap, type RawInput } from "../input/tap.ts";
import { createStore, type Store } from "../state/store.ts";
import { type AppView, caretOf, emptyView, keepUnchanged } from "../view/app-view.ts";
import type { Picture } from "./difference.ts";
import { createInkOutput } from "./ink-output.ts";
import type { OnWidth } from "./place.ts";
import type { Finished } from "./recent.ts";
import { createScreen, type ScreenSize } from "./screen.ts";
import { createSizeChange } from "./size-change.ts";

/** The parts of a terminal's streams that are used. */
export type TerminalStreams = {
  input: RawInput;
  output: {
    write(text: string): unknown;
    columns?: number | undefined;
    rows?: number | undefined;
    on(event: "resize", listener: () => void): unknown;
    off(event: "resize", listener: () => void): unknown;
    /** Reads the size from the terminal, as Node does at each SIGWINCH. Not documented, so it may be gone one day. */
    _refreshSize?(): void;
  };
};

export type Terminal = {
  readonly size: ScreenSize;
  /** Shows a view, together with the rows committed before it: both reach the terminal in one write. */
  show(view: AppView): void;
  /** Appends finished rows, painted as Ink would paint them. */
  commit(finished: Finished): void;
  /** Draws what the window shows again, for when something else has written into it. */
  repaint(): void;
  /** Empties the window; what stood in it is in the scrollback. */
  clear(): void;
  /** Takes the keys from whoever had them; `typed` came before. */
  listen(
    typed: readonly Uint8Array[],
    onEvents: (events: readonly InputEvent[]) => void,
    onEnd: () => void,
  ): void;
  /** Sends bytes that draw nothing: a title, a bell. */
  send(sequence: string): void;
  /** Lends the terminal to another program. */
  lend<T>(use: () => Promise<T>): Promise<T>;
  /** Draws `last` in place of the frame, undoes every mode and lets go. Safe to call more than once. */
  close(last: readonly string[]): void;
};

const usedModes = ["title", "bracketedPaste", "focusReports", "kittyKeyboard", "modifiedKeys"] as const;

/** Puts Ink, our screen, the modes and the keyboard together on one terminal. */
export function openTerminal(
  streams: TerminalStreams,
  options: {
    drawn: Picture | undefined;
    onWidth: OnWidth;
    onResize: (size: ScreenSize) => void;
    onModes: (active: readonly ModeName[]) => void;
  },
): Terminal {
  const { input, output } = streams;
  const modes = createTerminalModes(output, options.onModes);
  const view: Store<AppView> = createStore(emptyView);
  let scheduled: NodeJS.Immediate | undefined;
  let tap: InputTap | undefined;
  let isClosed = false;

  /** On a busy machine SIGWINCH arrives after timers and keys that are due at the same time. */
  const look = () => output._refreshSize?.();
  const flush = () => {
    scheduled = undefined;
    look();
    if (!change.isUnderWay) screen.flush();
  };
  /** After everything else that draws in this turn of the event loop. */
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

  const stdout = createInkOutput({
    size: () => screen.size,
    onFrame: (rows) => screen.setFrame(rows, caretOf(view.get())),
  });
  let ink: { unmount(): void } | undefined;

  // Between the window's size and our knowing it every movement of the cursor could miss, so nothing is drawn from
  // the first sign of a change until the terminal has said where things stand. It wraps what it shows meanwhile.
  const change = createSizeChange({
    send: (sequence) => output.write(sequence),
    onWidth: options.onWidth,
    look,
    onSettled() {
      const size = sizeOf(output);
      screen.resized(size);
      options.onResize(size);
      // The main screen is placed when it is seen again.
      if (!screen.isAlternate) return true;
      screen.redrawAlternate();
      // What waits to be drawn was laid out for the size before.
      flushLast();
      return false;
    },
    onPlaced(place) {
      screen.place(place);
      flushLast();
    },
  });
  let isLent = false;
  /** Not while another program has the terminal: it would receive the reply to our query. */
  const resize = () => {
    if (!isLent) change.begin(sizeOf(output).columns);
  };
  output.on("resize", resize);

  return {
    get size() {
      return screen.size;
    },
    repaint() {
      if (screen.isAlternate) screen.redrawAlternate();
      else if (!change.isUnderWay) change.locate();
    },
    clear() {
      if (!change.isUnderWay) screen.clear();
    },
    show(next) {
      const before = view.get();
      const kept = keepUnchanged(before, next);
      screen.setAlternate(kept.overlay !== undefined);
      if (screen.isAdrift && !screen.isAlternate && !change.isUnderWay) change.locate();
      view.set(kept);
      // Ink's first frame is one that has something in it: until then the first frame of the start stays.
      ink ??= renderApp(view, stdout);
      // Ink makes no frame when only the caret moves.
      screen.setCaret(caretOf(kept));
    },
    commit(finished) {
      screen.commit(finished);
      // Until the frame is drawn without them, they would be seen twice.
      flushLast();
    },
    listen(typed, onEvents, onEnd) {
      for (const mode of usedModes) modes.set(mode, true);
      const take = (events: readonly InputEvent[]) => {
        for (const event of events) if (event.type === "reply") change.reply(event.sequence);
        onEvents(events);
      };
      tap = createInputTap({ input, typed, onEvents: take, onEnd });
    },
    send(sequence) {
      if (!isClosed) output.write(sequence);
    },
    async lend(use) {
      isLent = true;
      change.close();
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
          isLent = false;
          const { columns, rows } = sizeOf(output);
          if (columns !== screen.size.columns || rows !== screen.size.rows) resize();
        }
      }
    },
    close(last) {
      if (isClosed) return;
      isClosed = true;
      clearImmediate(scheduled);
      change.close();
      output.off("resize", resize);
      stdout.close();
      screen.close(last);
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
