import { type IPty, spawn } from "@lydell/node-pty";
import { createEmulator, type Emulator } from "./emulator.ts";
import { PATIENCE_MS } from "./happenings.ts";
import { type Home, launcher } from "./home.ts";

/** The built hearth in a pseudo-terminal, with an emulator reading what it draws. */
export type Pty = {
  readonly emulator: Emulator;
  readonly pid: number;
  readonly exited: Promise<number>;
  readonly hasExited: boolean;
  type(text: string): void;
  /** Resolves when what is on the screen (scrollback included) fits; rejects with the picture. */
  until(fits: (text: string) => boolean, what: string): Promise<void>;
  /** The whole text so far, scrollback included. */
  text(): string;
  resize(columns: number, rows: number): void;
  /** To exactly this process. */
  kill(signal: NodeJS.Signals): void;
  /** Milliseconds of performance.now() when bytes last came. */
  readonly lastOutputAt: number;
};

export type PtyOptions = {
  args?: readonly string[];
  columns?: number;
  rows?: number;
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Another bin/hearth. */
  program?: string;
  /** A shell instead, to start hearth from more than once on one terminal. */
  inShell?: boolean;
};

export function openPty(home: Home, options: PtyOptions = {}): Pty {
  const {
    args = [],
    columns = 80,
    rows = 24,
    cwd = home.project,
    program = launcher,
    inShell = false,
  } = options;
  const emulator = createEmulator(columns, rows);
  const [file, ...words] = inShell ? ["/bin/sh", "-i"] : [process.execPath, program, ...args];
  const pty: IPty = spawn(file ?? "", words, {
    cols: columns,
    rows,
    cwd,
    name: options.env?.["TERM"] ?? "xterm-256color",
    env: { ...home.env, COLORTERM: "truecolor", ...options.env },
  });
  const watchers = new Set<() => void>();
  let lastOutputAt = 0;
  const changed = () => {
    for (const watcher of watchers) watcher();
  };
  pty.onData((data) => {
    lastOutputAt = performance.now();
    void emulator.write(data).then(changed);
  });
  emulator.onReply((reply) => pty.write(reply));
  let hasExited = false;
  const exited = new Promise<number>((resolve) => {
    pty.onExit(({ exitCode, signal }) => {
      hasExited = true;
      resolve(signal ? 128 + signal : exitCode);
    });
  });
  const text = () => emulator.everything().join("\n");
  return {
    emulator,
    pid: pty.pid,
    exited,
    get hasExited() {
      return hasExited;
    },
    type: (keys) => pty.write(keys),
    until(fits, what) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(look);
          reject(new Error(`still waiting for: ${what}\n${text()}`));
        }, PATIENCE_MS);
        const look = () => {
          if (!fits(text())) return;
          clearTimeout(timer);
          watchers.delete(look);
          resolve();
        };
        watchers.add(look);
        look();
      });
    },
    text,
    resize(nextColumns, nextRows) {
      emulator.resize(nextColumns, nextRows);
      pty.resize(nextColumns, nextRows);
    },
    kill: (signal) => process.kill(pty.pid, signal),
    get lastOutputAt() {
      return lastOutputAt;
    },
  };
}
