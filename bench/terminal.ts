// What the terminal takes: `npm run bench -- terminal [--write] [--seconds N] [--only fresh,start,keys,turns,load,open]`.
// Some figures need Linux's /proc.
import { parseArgs } from "node:util";
import { launcher } from "../test/support/home.ts";
import { buildBareInk, timeFirstFrame } from "./measure/first-frame.ts";
import { memoryOf, timeProcess } from "./measure/process.ts";
import { median } from "./measure/report.ts";
import { leave, openScreen } from "./measure/screen.ts";
import { makeLongSession, timeOpening } from "./measure/terminal-open.ts";
import {
  echoWhileStreaming,
  memoryAfterTokens,
  streamLoad,
  textBehindModel,
  watchLoad,
} from "./measure/terminal-stream.ts";
import { type Figure, reportTerminal } from "./measure/terminal-table.ts";
import {
  enterToModel,
  escapeToClosed,
  firstByteToText,
  keyToEcho,
  laterTurns,
} from "./measure/terminal-turn.ts";
import {
  isConnected,
  isReady,
  openTerminalWorld,
  pause,
  type TerminalWorld,
} from "./measure/terminal-world.ts";

const ROUNDS = 7;
const { values } = parseArgs({
  options: { write: { type: "boolean" }, seconds: { type: "string" }, only: { type: "string" } },
});
const seconds = Number(values.seconds ?? 20);
const bareInk = await buildBareInk();
const barePrompt = await buildBareInk("bare-ink-prompt");
const figures: Figure[] = [];
/** Also says them at once, for who waits. */
function add(...more: Figure[]): void {
  figures.push(...more);
  for (const { name, unit, samples } of more) console.error(`${name}: ${median(samples).toFixed(2)} ${unit}`);
}
let erasures = 0;

/** The first prompt that a daemon ever gets, and what it and its terminal hold before that. */
async function fresh() {
  const idle: number[] = [];
  const first: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const world = await openTerminalWorld();
    try {
      const screen = await world.ready();
      idle.push(memoryOf(screen.pid) + memoryOf(world.daemon.pid));
      first.push(await enterToModel(world, screen, "hello"));
      erasures += world.erasures();
    } finally {
      await world.close();
    }
  }
  add(
    { name: "memory idle, terminal + daemon", unit: "MB PSS", samples: idle, budget: 80 },
    { name: "Enter to request at the model, daemon's first", unit: "ms", samples: first, budget: 30 },
  );
}

async function start(world: TerminalWorld) {
  const place = { cwd: world.home.project, env: world.home.env };
  const paint = {
    hearth: [] as number[],
    node: [] as number[],
    ink: [] as number[],
    own: [] as number[],
    connected: [] as number[],
    inkPrompt: [] as number[],
  };
  // A terminal that was left as people leave it keeps what it compiled for the next one; so does a bare Ink.
  await leave(await world.ready(), "\x04");
  const left = openScreen({ args: [barePrompt], ...place });
  await left.until((rows) => rows[0]?.startsWith("›") ?? false, "›");
  await leave(left, "\x03");
  for (let round = -2; round < ROUNDS; round += 1) {
    const node = await timeProcess(["-e", "0"], place);
    const hearth = await timeFirstFrame([launcher], place.cwd, place.env);
    const ink = await timeFirstFrame([bareInk], place.cwd, place.env);
    const screen = world.start();
    const own = (await screen.until(isReady, "the real prompt")) - screen.began;
    const connected = (await screen.until(isConnected, "the status line")) - screen.began;
    await screen.close();
    const bare = openScreen({ args: [barePrompt], ...place });
    const inkPrompt = (await bare.until((rows) => rows[0]?.startsWith("›") ?? false, "›")) - bare.began;
    await bare.close();
    if (round < 0) continue;
    for (const [name, value] of Object.entries({ hearth, node, ink, own, connected, inkPrompt })) {
      paint[name as keyof typeof paint].push(value);
    }
  }
  const ink = { name: "bare Ink", samples: paint.ink };
  const node = { name: "Node", samples: paint.node };
  add(
    { name: "first paint", unit: "ms", samples: paint.hearth, floor: node, by: "ratio", budget: 2 },
    { name: "first paint", unit: "ms", samples: paint.hearth, floor: ink },
    ...[
      { floor: node, by: "ratio" as const, budget: 5 },
      { floor: { name: "bare Ink prompt", samples: paint.inkPrompt } },
    ].map((more) => ({
      name: "input ready (the real prompt; keys before it are kept)",
      unit: "ms",
      samples: paint.own,
      ...more,
    })),
    { name: "connected, status line complete", unit: "ms", samples: paint.connected, floor: node },
  );
}

async function keys(world: TerminalWorld) {
  const place = { cwd: world.home.project, env: world.home.env };
  const bare = openScreen({ args: [barePrompt], ...place });
  await bare.until((rows) => rows[0]?.startsWith("›") ?? false, "›");
  await pause(500);
  const bareEcho = { name: "bare Ink prompt", samples: await keyToEcho(bare, 60, 60) };
  await bare.close();
  const screen = await world.ready();
  add({
    name: "key to echo, idle",
    unit: "ms",
    samples: await keyToEcho(screen, 60, 60),
    floor: bareEcho,
    budget: 3,
  });
  add({
    name: "key to echo, streaming",
    unit: "ms",
    samples: await echoWhileStreaming(world, screen),
    by: "p95",
    floor: bareEcho,
    budget: 15,
  });
  await screen.close();
}

async function turns(world: TerminalWorld) {
  const screen = await world.ready();
  const firsts: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const other = await world.ready();
    firsts.push(await enterToModel(world, other, `hello ${round}`));
    await other.close();
  }
  add(
    { name: "Enter to request at the model, terminal's first", unit: "ms", samples: firsts, budget: 30 },
    {
      name: "Enter to request at the model, later",
      unit: "ms",
      samples: await laterTurns(world, screen, 15),
      budget: 8,
    },
    {
      name: "first byte to visible text",
      unit: "ms",
      samples: await firstByteToText(world, screen, 15),
      budget: 10,
    },
    {
      name: "Escape to the model's connection closed",
      unit: "ms",
      samples: await escapeToClosed(world, screen, "\x1b", 10),
      budget: 25,
    },
    {
      name: "Escape to the model's connection closed, kitty protocol",
      unit: "ms",
      samples: await escapeToClosed(world, screen, "\x1b[27u", 10),
      budget: 5,
    },
  );
  await screen.close();
}

async function load(world: TerminalWorld) {
  const screen = await world.ready();
  const taken = await streamLoad(world, screen, seconds);
  const behind = await textBehindModel(world, screen, 10);
  add(
    { name: "100 tokens/s: text behind the model", unit: "ms", samples: behind, budget: 50 },
    { name: "100 tokens/s: CPU, terminal + daemon", unit: "% of a core", samples: taken.both, budget: 15 },
    { name: "100 tokens/s: CPU, terminal", unit: "% of a core", samples: taken.terminal },
    { name: "100 tokens/s: CPU, daemon", unit: "% of a core", samples: taken.daemon },
    { name: "100 tokens/s: bytes to the terminal", unit: "a token", samples: taken.bytes, budget: 60 },
    {
      name: "memory after 20,000 tokens",
      unit: "MB PSS",
      samples: await memoryAfterTokens(world, screen),
      budget: 110,
    },
  );
  await pause(3000);
  const idle = await watchLoad(world, screen, 10);
  add(
    { name: "idle for 10 s: CPU, terminal + daemon", unit: "%", samples: idle.both, budget: 0 },
    { name: "idle for 10 s: bytes", unit: "a second", samples: idle.bytes, budget: 0 },
  );
  await screen.close();
}

async function open(world: TerminalWorld) {
  const long = await makeLongSession(world, "500 turns", 1, ({ turns }) => turns === 500);
  add({
    name: `session of ${long.turns} turns opened, last text visible`,
    unit: "ms",
    samples: await timeOpening(world, long, ROUNDS),
    budget: 300,
  });
  const eventful = await makeLongSession(world, "10,000 events", 12, ({ events }) => events > 9_900);
  add({
    name: `session of ${eventful.events} events opened, last text visible`,
    unit: "ms",
    samples: await timeOpening(world, eventful, ROUNDS),
    budget: 1000,
  });
}

const parts = { fresh, start, keys, turns, load, open };
const only = values.only?.split(",") ?? Object.keys(parts);
const world = await openTerminalWorld();
try {
  for (const [name, measure] of Object.entries(parts)) if (only.includes(name)) await measure(world);
  add({ name: "CSI 3J in all of it", unit: "times", samples: [erasures + world.erasures()], budget: 0 });
  reportTerminal(figures, seconds);
} finally {
  await world.close();
}
