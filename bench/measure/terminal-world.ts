import { readFileSync } from "node:fs";
import { type Daemon, startDaemon } from "../../test/support/daemon.ts";
import { createHome, type Home, launcher, localConfig } from "../../test/support/home.ts";
import { type ModelServer, type Piece, startModelServer } from "../../test/support/model-server.ts";
import { openScreen, type Screen } from "./screen.ts";

/** A daemon that has just started, a scripted model, and terminals on them. */
export type TerminalWorld = {
  readonly home: Home;
  readonly model: ModelServer;
  readonly daemon: Daemon;
  /** Starts the built hearth in a terminal and waits for nothing. */
  start(...args: string[]): Screen;
  /** A terminal that is connected and quiet. */
  ready(...args: string[]): Promise<Screen>;
  /** How often a terminal has erased the scrollback, in all. */
  erasures(): number;
  close(): Promise<void>;
};

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The status line of the real prompt, which the first frame does not have. */
export const isReady = (window: readonly string[]): boolean => window.some((row) => row.includes("? keys"));

/** The status line names the model as soon as the daemon has answered. */
export const isConnected = (window: readonly string[]): boolean =>
  window.some((row) => row.includes("local/big"));

export async function openTerminalWorld(): Promise<TerminalWorld> {
  const home = createHome();
  const model = await startModelServer();
  home.config(localConfig(model.baseUrl));
  const daemon = await startDaemon(home);
  const screens: Screen[] = [];
  const start = (...args: string[]): Screen => {
    const screen = openScreen({ args: [launcher, ...args], cwd: home.project, env: home.env });
    screens.push(screen);
    return screen;
  };
  return {
    home,
    model,
    daemon,
    start,
    async ready(...args) {
      const screen = start(...args);
      await screen.until(isConnected, "a terminal that is connected");
      await pause(700); // what it loads when nothing else is to do
      return screen;
    },
    erasures: () => screens.reduce((sum, { erasures }) => sum + erasures, 0),
    async close() {
      for (const screen of screens) await screen.close();
      await daemon.stop();
      await model.close();
      home.remove();
    },
  };
}

/** Seconds of a core that a process has used, in steps of 10 ms; Linux only. */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const words =
  "the daemon keeps every session in one store and any number of terminals may look at it while work goes on".split(
    " ",
  );

/** Markdown as models write it, a word a piece: paragraphs, now and then a list or a block of code. */
export function markdownTokens(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const word = words[(index * 7) % words.length] ?? "";
    const block = Math.floor(index / 60) % 8;
    const place = index % 60;
    if (place === 59) return block === 6 ? "end;\n```\n\n" : `${word}.\n\n`;
    if (block === 6 && place === 0) return "```ts\n";
    if (block === 6 && place % 8 === 0) return `${word};\n`;
    if (block === 3 && place % 12 === 0) return `${place === 0 ? "" : "\n"}- **${word}** `;
    return `${word} `;
  });
}

/** Pieces that come one by one at a steady rate from the moment that `begin` is called. */
export function pacedPieces(
  texts: readonly string[],
  perSecond: number,
): { pieces: Piece[]; begin(): void; givenAt: readonly number[] } {
  const givenAt: number[] = [];
  const doors = texts.map(() => Promise.withResolvers<void>());
  return {
    pieces: texts.flatMap((text, index): Piece[] => [{ until: doors[index]?.promise ?? pause(0) }, text]),
    givenAt,
    begin() {
      const began = performance.now();
      let open = 0;
      const timer = setInterval(() => {
        const due = Math.min(texts.length, Math.floor(((performance.now() - began) / 1000) * perSecond));
        for (; open < due; open += 1) {
          givenAt.push(performance.now());
          doors[open]?.resolve();
        }
        if (open === texts.length) clearInterval(timer);
      }, 5);
    },
  };
}
