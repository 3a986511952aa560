import { spawn } from "@lydell/node-pty";
import { createEmulator } from "../../test/support/emulator.ts";
import { PATIENCE_MS } from "../../test/support/happenings.ts";

/** A program in a pseudo-terminal of 120×40, read by an emulator, with the moment that each byte came at. */
export type Screen = {
  readonly pid: number;
  /** `performance.now()` just before the program was started. */
  readonly began: number;
  /** How many bytes it has written. */
  readonly bytes: number;
  /** How often it has erased the scrollback. */
  readonly erasures: number;
  /** Returns the moment before the keys were handed over. */
  type(keys: string): number;
  /** When the bytes came that made the window fit. */
  until(fits: (window: readonly string[]) => boolean, what: string): Promise<number>;
  /** Resolves when the program has ended. */
  readonly exited: Promise<void>;
  close(): Promise<void>;
};

export type ScreenOptions = {
  args: readonly string[];
  cwd: string;
  env: Readonly<Record<string, string>>;
};

const ERASE_SCROLLBACK = "\x1b[3J";

export function openScreen({ args, cwd, env }: ScreenOptions): Screen {
  const emulator = createEmulator(120, 40);
  const began = performance.now();
  const pty = spawn(process.execPath, [...args], {
    cols: 120,
    rows: 40,
    cwd,
    name: "xterm-256color",
    env: { ...env, COLORTERM: "truecolor" },
  });
  const watchers = new Set<(at: number) => void>();
  let bytes = 0;
  let erasures = 0;
  let tail = "";
  let shownAt = began;
  let hasExited = false;
  let drawn: Promise<void> = Promise.resolve();
  pty.onData((data) => {
    const at = performance.now();
    bytes += Buffer.byteLength(data);
    erasures += (tail + data).split(ERASE_SCROLLBACK).length - 1;
    tail = data.slice(1 - ERASE_SCROLLBACK.length);
    // One after the other: parsed in one go, an earlier chunk would be taken for what brought a later one's text.
    drawn = drawn
      .then(() => emulator.write(data))
      .then(() => {
        shownAt = at;
        for (const watcher of [...watchers]) watcher(at);
      });
  });
  emulator.onReply((reply) => pty.write(reply));
  const exited = new Promise<void>((resolve) => {
    pty.onExit(() => {
      hasExited = true;
      resolve();
    });
  });

  function until(fits: (window: readonly string[]) => boolean, what: string): Promise<number> {
    if (fits(emulator.window())) return Promise.resolve(shownAt);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        watchers.delete(look);
        reject(new Error(`still waiting for: ${what}\n${emulator.window().join("\n")}`));
      }, PATIENCE_MS * 3);
      const look = (at: number) => {
        if (!fits(emulator.window())) return;
        clearTimeout(timer);
        watchers.delete(look);
        resolve(at);
      };
      watchers.add(look);
    });
  }
  return {
    pid: pty.pid,
    began,
    get bytes() {
      return bytes;
    },
    get erasures() {
      return erasures;
    },
    type(keys) {
      const at = performance.now();
      pty.write(keys);
      return at;
    },
    until,
    exited,
    async close() {
      if (!hasExited) process.kill(pty.pid, "SIGKILL");
      await exited;
      emulator.dispose();
    },
  };
}

/** Leaves a program by the key that does, and waits for its end. */
export async function leave(screen: Screen, key: string): Promise<void> {
  screen.type(key);
  await screen.exited;
  await screen.close();
}
