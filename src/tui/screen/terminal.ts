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

/** The members of the process's streams that are used. */
export type TerminalStreams = {
  input: RawInput;
  output: {
    write(text: string): unknown;
    columns?: number | undefined;
    rows?: number | undefined;
    on(event: "resize", listener: () => void): unknown;
    off(event: "resize", listener: () => void): unknown;
    /** Reads the size from the terminal, as Node does at each SIGWINCH. Undocumented, so it may disappear. */
    _refreshSize?(): void;
  };
};

export type Terminal = {
  readonly size: ScreenSize;
  /** Shows a view. It reaches the terminal in one write with the rows committed before it. */
  show(view: AppView): void;
  /** Appends finished rows, painted as Ink would paint them. */
  commit(finished: Finished): void;
  /** Redraws the window, for when another program has written into it. */
  repaint(): void;
  /** Clears the window; its content goes to the scrollback. */
  clear(): void;
  /** Starts reading keys; `typed` was read before. */
  listen(
    typed: readonly Uint8Array[],
    onEvents: (events: readonly InputEvent[]) => void,
    onEnd: () => void,
  ): void;
  /** Writes a sequence that draws nothing: a title, a bell. */
  send(sequence: string): void;
  /**
   * This process was stopped without warning (SIGSTOP) and goes on: meanwhile the shell has set its own modes, and may
   * have written.
   */
  continued(): void;
  /** Gives the terminal to another program until `use` settles. */
  lend<T>(use: () => Promise<T>): Promise<T>;
  /** Replaces the frame by `last`, switches all modes off and stops reading. Safe to call more than once. */
  close(last: readonly string[]): void;
};

const usedModes = ["title", "bracketedPaste", "focusReports", "kittyKeyboard", "modifiedKeys"] as const;

/** Connects Ink, our screen, the terminal modes and the keyboard. */
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

  /** Reads the size now: on a busy machine SIGWINCH arrives after timers and keys that are due at the same time. */
  const readSize = () => output._refreshSize?.();
  const flush = () => {
    scheduled = undefined;
    readSize();
    if (!change.isUnderWay) screen.flush();
  };
  /** Flushes after everything else that draws in this turn of the event loop. */
  const flushLast = () => {
    clearImmediate(scheduled);
    scheduled = setImmediate(flush);
  };
  const screen = createScreen({
    output,
    modes,
    size: sizeOf(output),
    drawn: options.drawn,
    // Flush after React has rendered what the same event changed, so that both are one write.
    onDirty: () => {
      scheduled ??= setImmediate(flush);
    },
  });

  const stdout = createInkOutput({
    size: () => screen.size,
    onFrame: (rows) => screen.setFrame(rows, caretOf(view.get())),
  });
  let ink: { unmount(): void } | undefined;

  // While the new size and position are not known, every cursor movement could go wrong. So nothing is drawn from the
  // first sign of a change until the terminal has reported its cursor. Meanwhile it rewraps its rows.
  const change = createSizeChange({
    send: (sequence) => output.write(sequence),
    onWidth: options.onWidth,
    readSize,
    onSettled() {
      const size = sizeOf(output);
      screen.resized(size);
      options.onResize(size);
      // The main screen's position is queried when the overlay closes.
      if (!screen.isAlternate) return true;
      screen.redrawAlternate();
      // Flush only after the view is laid out for the new size.
      flushLast();
      return false;
    },
    onPlaced(place) {
      if (wasStopped) screen.placeAfterStop(place);
      else screen.place(place);
      wasStopped = false;
      flushLast();
    },
  });
  let isSuspended = false;
  let wasStopped = false;
  /** Ignored while another program has the terminal: it would receive the reply to our query. */
  const resize = () => {
    if (!isSuspended) change.begin(sizeOf(output).columns);
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
      if (screen.isPositionUnknown && !screen.isAlternate && !change.isUnderWay) change.locate();
      view.set(kept);
      // The first frame stays until Ink has something to draw.
      ink ??= renderApp(view, stdout);
      // Ink renders no frame if only the caret moves.
      screen.setCaret(caretOf(kept));
    },
    commit(finished) {
      screen.commit(finished);
      // The frame must be redrawn without these rows, or they would be seen twice.
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
    continued() {
      if (isClosed || isSuspended || tap === undefined) return;
      // Off and on again: Node takes a raw mode that it has set once for one that still holds.
      tap.suspend();
      modes.restore();
      modes.reapply();
      tap.resume();
      if (screen.isAlternate) return screen.redrawAlternate();
      wasStopped = true;
      change.locate();
    },
    async lend(use) {
      isSuspended = true;
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
          isSuspended = false;
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
