import { createGate } from "../../test/support/happenings.ts";
import { say } from "../../test/support/model-server.ts";
import type { Screen } from "./screen.ts";
import { pause, type TerminalWorld } from "./terminal-world.ts";

const ERASE_LINE = "\x15";

/** Milliseconds from each key to its picture; leaves the prompt empty, where the program can. */
export async function keyToEcho(screen: Screen, keys: number, everyMs: number): Promise<number[]> {
  const samples: number[] = [];
  let typed = "";
  for (let index = 0; index < keys; index += 1) {
    await pause(everyMs);
    typed += "abcdefghijklmnopqrstuvwxyz"[index % 26];
    const row = `› ${typed}`;
    const at = screen.type(typed.slice(-1));
    samples.push((await screen.until((window) => window.some((text) => text.includes(row)), row)) - at);
  }
  screen.type(ERASE_LINE);
  await pause(everyMs);
  return samples;
}

/** Types a prompt and sends it; the time from Enter until the model has the request. */
export async function enterToModel(world: TerminalWorld, screen: Screen, prompt: string): Promise<number> {
  const index = world.model.requests.length;
  screen.type(prompt);
  await screen.until((window) => window.some((row) => row.includes(`› ${prompt}`)), prompt);
  await pause(200);
  const at = screen.type("\r");
  return (await world.model.request(index)).receivedAt - at;
}

export const isIdle = (window: readonly string[]): boolean => !window.some((row) => row.includes("Working"));

export async function laterTurns(world: TerminalWorld, screen: Screen, rounds: number): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const answer = `answer-${round}-here`;
    world.model.enqueue(say(`${answer}\n`));
    samples.push(await enterToModel(world, screen, `ask ${round}`));
    await screen.until((window) => window.some((row) => row.includes(answer)) && isIdle(window), answer);
    await pause(200);
  }
  return samples;
}

/** From the first byte of an answer to its text on the screen. */
export async function firstByteToText(
  world: TerminalWorld,
  screen: Screen,
  rounds: number,
): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const gate = createGate();
    const word = `first-word-${round}`;
    world.model.enqueue(say({ until: gate.passed }, word));
    await enterToModel(world, screen, `first ${round}`);
    await pause(300);
    const at = performance.now();
    gate.open();
    samples.push((await screen.until((window) => window.some((row) => row.includes(word)), word)) - at);
    await screen.until(isIdle, "the end");
    await pause(200);
  }
  return samples;
}

/** From the Escape key until the model sees its connection closed. */
export async function escapeToClosed(
  world: TerminalWorld,
  screen: Screen,
  key: string,
  rounds: number,
): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const word = `endless-${round}-${key.length}`;
    world.model.enqueue(say(word, { stop: "hang" }));
    const index = world.model.requests.length;
    await enterToModel(world, screen, `endless ${round}`);
    await screen.until((window) => window.some((row) => row.includes(word)), word);
    await pause(300);
    const at = screen.type(key);
    samples.push((await (await world.model.request(index)).closed).at - at);
    await screen.until(isIdle, "the canceled turn");
    await pause(300);
  }
  return samples;
}
