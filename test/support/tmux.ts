import { execFile, execFileSync } from "node:child_process";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { spawn } from "@lydell/node-pty";
import { onTestFinished } from "vitest";
import { PATIENCE_MS } from "./happenings.ts";
import { type Home, launcher } from "./home.ts";

const run = promisify(execFile);

/** The built hearth in a real tmux, gone when the test ends. */
export type Tmux = {
  type(text: string): Promise<void>;
  /** As a client of tmux does whose window is dragged: the sizes come one after the other. */
  resize(columns: number, rows: number): Promise<void>;
  /** Waits until what runs in the window can have heard of this size: tmux keeps it back for up to 250 ms. */
  told(columns: number, rows: number): Promise<void>;
  /** Every row from the first in the history to the window's last; rows that tmux has wrapped are joined. */
  history(): Promise<string[]>;
  /** The rows of the window. */
  window(): Promise<string[]>;
  until(fits: (window: string[]) => boolean, what: string): Promise<void>;
  /** A terminal of that size attaches to it; another one's size gives way to the newest's. */
  attach(columns: number, rows: number): Promise<void>;
  /** Any command of tmux's, for this session. */
  command(...words: string[]): Promise<string>;
};

export const hasTmux = ((): boolean => {
  try {
    execFileSync("tmux", ["-V"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

const LOOK_MS = 40;

export async function openTestTmux(
  home: Home,
  { columns, rows, args = [] }: { columns: number; rows: number; args?: readonly string[] },
): Promise<Tmux> {
  const socket = join(dirname(home.dir), "tmux.sock");
  const env = { ...home.env, TERM: "xterm-256color", LC_ALL: "C.UTF-8", SHELL: "/bin/sh" };
  const command = async (...words: string[]) =>
    (await run("tmux", ["-u", "-S", socket, ...words], { env, maxBuffer: 64 << 20 })).stdout;
  onTestFinished(async () => {
    await command("kill-server").catch(() => {});
  });
  await command(
    ...["-f", "/dev/null"],
    ...["new-session", "-d", "-s", "hearth", "-x", `${columns}`, "-y", `${rows}`, "-c", home.project],
    ...[process.execPath, launcher, ...args, ";", "set-option", "-g", "status", "off"],
  );
  const rowsOf = (text: string) =>
    text
      .replace(/\n$/, "")
      .split("\n")
      .map((row) => row.trimEnd());
  const window = async () => rowsOf(await command("capture-pane", "-p", "-t", "hearth"));
  const history = async () => {
    const all = rowsOf(await command("capture-pane", "-p", "-J", "-S", "-", "-t", "hearth"));
    while (all.at(-1) === "") all.pop();
    return all;
  };
  const until = async (fits: () => Promise<boolean>, what: string) => {
    const end = performance.now() + PATIENCE_MS;
    while (!(await fits())) {
      if (performance.now() > end)
        throw new Error(`still waiting for: ${what}\n${(await history()).join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  };
  const told = async (columns: number, rows: number) => {
    const terminal = (await command("display-message", "-p", "-t", "hearth", "#{pane_tty}")).trim();
    const size = async () => (await run("sh", ["-c", 'stty size < "$1"', "sh", terminal])).stdout.trim();
    await until(async () => (await size()) === `${rows} ${columns}`, `a terminal of ${columns}x${rows}`);
  };
  return {
    command,
    window,
    history,
    type: async (text) => {
      const codes = [...Buffer.from(text)].map((byte) => byte.toString(16));
      await command("send-keys", "-t", "hearth", "-H", ...codes);
    },
    resize: async (toColumns, toRows) => {
      await command("resize-window", "-t", "hearth", "-x", `${toColumns}`, "-y", `${toRows}`);
    },
    async attach(toColumns, toRows) {
      const client = spawn("tmux", ["-u", "-S", socket, "attach-session", "-t", "hearth"], {
        cols: toColumns,
        rows: toRows,
        name: "xterm-256color",
        env,
      });
      // What it shows is looked at through tmux.
      client.onData(() => {});
      onTestFinished(() => client.kill());
      await told(toColumns, toRows);
    },
    told,
    until: (fits, what) => until(async () => fits(await window()), what),
  };
}
