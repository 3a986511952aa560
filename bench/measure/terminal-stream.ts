import { say } from "../../test/support/model-server.ts";
import { memoryOf } from "./process.ts";
import type { Screen } from "./screen.ts";
import { enterToModel, isIdle, keyToEcho } from "./terminal-turn.ts";
import { cpuSeconds, markdownTokens, pacedPieces, pause, type TerminalWorld } from "./terminal-world.ts";

const RATE = 100;
const WINDOWS = 5;

export type Load = { terminal: number[]; daemon: number[]; both: number[]; bytes: number[] };

/** CPU in percent of a core and bytes a second of a terminal and its daemon, in consecutive windows of time. */
export async function watchLoad(world: TerminalWorld, screen: Screen, seconds: number): Promise<Load> {
  const load: Load = { terminal: [], daemon: [], both: [], bytes: [] };
  const look = () => ({
    at: performance.now(),
    terminal: cpuSeconds(screen.pid),
    daemon: cpuSeconds(world.daemon.pid),
    bytes: screen.bytes,
  });
  let last = look();
  for (let index = 0; index < WINDOWS; index += 1) {
    await pause((seconds * 1000) / WINDOWS);
    const now = look();
    const taken = (now.at - last.at) / 1000;
    const terminal = ((now.terminal - last.terminal) / taken) * 100;
    const daemon = ((now.daemon - last.daemon) / taken) * 100;
    load.terminal.push(terminal);
    load.daemon.push(daemon);
    load.both.push(terminal + daemon);
    load.bytes.push((now.bytes - last.bytes) / taken);
    last = now;
  }
  return load;
}

/** Has `count` tokens of Markdown streamed at a rate, and `meanwhile` done while they come. */
async function stream<T>(
  world: TerminalWorld,
  screen: Screen,
  { count, rate }: { count: number; rate: number },
  meanwhile: () => Promise<T>,
): Promise<T> {
  const last = `last-of-${count}-${world.model.requests.length}`;
  const { pieces, begin } = pacedPieces(markdownTokens(count), rate);
  world.model.enqueue(say(...pieces, `\n\n${last}\n`));
  await enterToModel(world, screen, `stream ${count}`);
  begin();
  const found = await meanwhile();
  await screen.until((window) => window.some((row) => row.includes(last)) && isIdle(window), last);
  return found;
}

export function streamLoad(world: TerminalWorld, screen: Screen, seconds: number): Promise<Load> {
  return stream(world, screen, { count: Math.round((seconds + 1) * RATE), rate: RATE }, async () => {
    await pause(500);
    const load = await watchLoad(world, screen, seconds);
    return { ...load, bytes: load.bytes.map((each) => each / RATE) };
  });
}

export function echoWhileStreaming(world: TerminalWorld, screen: Screen): Promise<number[]> {
  return stream(world, screen, { count: 12 * RATE, rate: RATE }, async () => {
    await pause(1000);
    return keyToEcho(screen, 80, 90);
  });
}

/** Terminal and daemon together, MB, when 20,000 tokens have gone through them. */
export async function memoryAfterTokens(world: TerminalWorld, screen: Screen): Promise<number[]> {
  await stream(world, screen, { count: 20_000, rate: 1500 }, () => pause(13_000));
  const samples: number[] = [];
  for (let look = 0; look < 5; look += 1) {
    await pause(500);
    samples.push(memoryOf(screen.pid) + memoryOf(world.daemon.pid));
  }
  return samples;
}

/** How long after the model has given a word it is on the screen, for every word of a paced stream. */
export async function textBehindModel(
  world: TerminalWorld,
  screen: Screen,
  seconds: number,
): Promise<number[]> {
  const count = seconds * RATE;
  const words = Array.from({ length: count }, (_, index) => `t${index}${index % 60 === 59 ? "\n\n" : " "}`);
  const { pieces, begin, givenAt } = pacedPieces(words, RATE);
  world.model.enqueue(say(...pieces));
  await enterToModel(world, screen, "one word after the other");
  begin();
  const samples: number[] = [];
  await screen.until(
    (window) => {
      const now = performance.now();
      const newest = Math.max(
        -1,
        ...(window.join(" ").match(/\bt\d+\b/g) ?? []).map((word) => Number(word.slice(1))),
      );
      // A number may be cut where the text so far ends: it counts when the next one is begun.
      while (samples.length < newest) samples.push(now - (givenAt[samples.length] ?? now));
      return newest === count - 1 && isIdle(window);
    },
    `t${count - 1}`,
  );
  return samples;
}
