import { EventEmitter } from "node:events";
import type { Replica } from "../../src/client/replica.ts";
import { applyEvent } from "../../src/client/replica.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import { type Controller, createController } from "../../src/tui/controller.ts";
import { createKeyMap } from "../../src/tui/keys.ts";
import type { Capabilities } from "../../src/tui/local/capabilities.ts";
import { openTerminal } from "../../src/tui/screen/terminal.ts";
import type { Effect } from "../../src/tui/state/effects.ts";
import { type AppState, initialState } from "../../src/tui/state/state.ts";
import { createStore, type Store } from "../../src/tui/state/store.ts";
import { themes } from "../../src/tui/theme.ts";
import { headerBlock } from "../../src/tui/view/opening.ts";
import { createRenderer } from "../../src/tui/view/renderer.ts";
import { createEmulator, type Emulator } from "./emulator.ts";

/** The terminal as it is, with Ink and an emulator, on a replica that the test plays the events of. */
export type TuiTerminal = {
  readonly emulator: Emulator;
  readonly controller: Controller;
  readonly store: Store<AppState>;
  /** What keys have asked for outside the screen. */
  readonly effects: readonly Effect[];
  /** Moves the clock that the terminal sees. */
  at(ms: number): void;
  show(replica: Replica): void;
  play(event: HearthEvent): void;
  type(text: string): void;
  /** The window has another size, and the terminal is told of it. */
  resize(columns: number, rows: number): void;
  /** What the window shows once everything is drawn. */
  window(): Promise<string>;
  /** How many bytes have been written. */
  readonly bytes: number;
  close(): void;
};

const START = Date.parse("2026-01-01T00:00:00.000Z");

export function openTuiTerminal(
  columns: number,
  rows: number,
  more: Partial<Capabilities> = {},
): TuiTerminal {
  const emulator = createEmulator(columns, rows);
  let written: Promise<void> = Promise.resolve();
  let bytes = 0;
  const output = Object.assign(new EventEmitter(), {
    columns,
    rows,
    write(text: string) {
      bytes += text.length;
      written = emulator.write(text);
    },
  });
  const input = Object.assign(new EventEmitter(), { resume() {}, pause() {}, setRawMode() {} });
  const capabilities: Capabilities = {
    isTTY: true,
    columns,
    rows,
    color: "none",
    attributes: false,
    unicode: true,
    hyperlinks: false,
    screenReader: false,
    cursor: true,
    background: "dark",
    ...more,
  };
  let time = START;
  let replica: Replica | undefined;
  const effects: Effect[] = [];
  const terminal = openTerminal(
    { input, output },
    {
      drawn: undefined,
      onWidth: "wraps",
      onResize: (size) => controller.onResize(size),
      onModes: () => {},
    },
  );
  const store = createStore<AppState>(
    initialState({
      clientId: "me",
      size: { columns, rows },
      now: time,
      history: [],
      display: { isLines: false, isStill: false, home: "/home/me" },
      defaults: {
        agent: undefined,
        model: undefined,
        mode: undefined,
        agent_mode: undefined,
        isolation: undefined,
        container: undefined,
      },
    }),
  );
  const theme = capabilities.color === "none" ? themes.none : themes[capabilities.background];
  const renderer = createRenderer({ theme, capabilities, extras: () => ({}), onCode: () => {} });
  const controller = createController({
    store,
    terminal,
    renderer,
    keys: createKeyMap({}),
    overrides: {},
    now: () => time,
    request: (effect) => effects.push(effect),
    local: (effect) => effects.push(effect),
    send: () => {},
    call: () => {},
    onState: () => {},
    away: () => [],
    opening: (opened) => [headerBlock({ cwd: "/project", env: { HOME: "/home/me" } }, opened)],
  });
  terminal.listen([], controller.onInput, () => {});
  const shown = async () => {
    // The state is drawn in an immediate, by React in a microtask after it, on the screen in the next immediate.
    for (let turn = 0; turn < 3; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    await written;
    return emulator.window().join("\n").replace(/\n+$/, "");
  };
  return {
    emulator,
    controller,
    store,
    effects,
    at(ms) {
      time = START + ms;
    },
    show(next) {
      replica = next;
      controller.onLink({ state: "connected" });
      controller.onChange(next, undefined, true);
    },
    play(event) {
      if (replica === undefined) throw new Error("nothing is shown yet");
      replica = applyEvent(replica, event);
      controller.onChange(replica, event, false);
    },
    type: (text) => input.emit("data", Buffer.from(text)),
    resize(wide, high) {
      emulator.resize(wide, high);
      Object.assign(output, { columns: wide, rows: high });
      output.emit("resize");
    },
    window: shown,
    get bytes() {
      return bytes;
    },
    close() {
      controller.close();
      terminal.close([]);
      emulator.dispose();
    },
  };
}
