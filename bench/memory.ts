// What the daemon holds: `npm run bench -- memory [--write]`. Proportional set sizes, so Linux only.
import { spawn } from "node:child_process";
import { setTimeout as pass } from "node:timers/promises";
import { say } from "../test/support/model-server.ts";
import { type BenchWorld, openBenchWorld } from "./measure/bench-world.ts";
import { memoryOf, wakesOf } from "./measure/process.ts";
import { type Row, report } from "./measure/report.ts";

const WORLDS = 5;
const TURNS = 500;
const CLIENTS = 100;
const SETTLE_MS = 10_000;
const IDLE_MS = 5000;

/** A Node that does nothing. */
async function bareNode(): Promise<number> {
  const child = spawn(process.execPath, ["-e", "process.stdout.write('up'); setInterval(() => {}, 1e6)"], {
    stdio: ["ignore", "pipe", "ignore"],
  });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const taken = memoryOf(child.pid ?? 0);
  child.kill("SIGKILL");
  return taken;
}

async function turns(world: BenchWorld, count: number) {
  world.home.write("a.txt", "alpha\n".repeat(200));
  for (let turn = 0; turn < count; turn += 1) {
    world.model.enqueue(
      say("Reading.", { call: "read", input: { path: "a.txt" } }),
      say(`Answer ${turn}. `.repeat(20)),
    );
    const { run_id } = await world.prompt(`turn ${turn}`);
    await world.completed(run_id);
  }
}

const figures = {
  idle: [] as number[],
  one: [] as number[],
  many: [] as number[],
  clients: [] as number[],
  node: [] as number[],
  wakes: [] as number[],
};
for (let round = 0; round < WORLDS; round += 1) {
  const world = await openBenchWorld();
  try {
    figures.node.push(await bareNode());
    figures.idle.push(memoryOf(world.daemon.pid));
    await turns(world, 1);
    // The connection to the model is kept for some seconds, and its timers with it.
    await pass(SETTLE_MS);
    figures.wakes.push(await wakesOf(world.daemon.pid, IDLE_MS));
    figures.one.push(memoryOf(world.daemon.pid));
    const readers = await Promise.all(
      Array.from({ length: CLIENTS - 1 }, (_, index) => world.daemon.events(world.wid, `reader-${index}`)),
    );
    await turns(world, 1);
    figures.clients.push(memoryOf(world.daemon.pid));
    for (const reader of readers) reader.drop();
    // Each request of a long session carries all of it: one such session is long enough to wait for.
    if (round < WORLDS - 1) continue;
    await turns(world, TURNS);
    for (let look = 0; look < 5; look += 1) {
      await turns(world, 1);
      figures.many.push(memoryOf(world.daemon.pid));
    }
  } finally {
    await world.close();
  }
}
const row = (name: string, samples: number[], aim: string): Row => ({
  name,
  unit: "MB",
  samples,
  floor: figures.node,
  aim,
});
report("Memory and idleness", [
  {
    name: "daemon idle with one client, wakes",
    unit: "1/s",
    samples: figures.wakes,
    aim: "only the comment, 15 s",
  },
  row("daemon, one client, nothing asked yet", figures.idle, "≤ 65"),
  row("daemon after its first turn", figures.one, ""),
  row(`daemon with ${CLIENTS} clients`, figures.clients, "≤ 150"),
  row(`daemon after ${TURNS} turns of one session`, figures.many, ""),
]);
