// What `hearth acp` adds to what the daemon does: `npm run bench -- editors [turns] [memory] [--write]`.
import { setTimeout as pass } from "node:timers/promises";
import { launcher } from "../test/support/home.ts";
import { say } from "../test/support/model-server.ts";
import { type BenchWorld, openBenchWorld } from "./measure/bench-world.ts";
import { type DirectAcp, openDirectAcp } from "./measure/direct-acp.ts";
import { memoryOf } from "./measure/process.ts";
import { type Row, report, sample } from "./measure/report.ts";

const ROUNDS = 60;
/** The words of a burst are gathered: those of the next round must be a burst of their own. */
const BURST_MS = 100;
const MEMORY_ROUNDS = 3;
const SESSIONS = 20;
const SETTLE_MS = 3000;

const openAcp = ({ home }: BenchWorld): Promise<DirectAcp> =>
  openDirectAcp([process.execPath, launcher, "acp"], { cwd: home.project, env: home.env });

/** The same turn, by turns through the editor's pipes and through the daemon's socket. */
async function turns(): Promise<Row[]> {
  const world = await openBenchWorld();
  const editor = await openAcp(world);
  const prompt = { acp: [] as number[], socket: [] as number[], added: [] as number[] };
  const words = { acp: [] as number[], socket: [] as number[], added: [] as number[] };
  const whole = { acp: [] as number[], socket: [] as number[], added: [] as number[] };
  /** When a client of the daemon sees these words. */
  function seen(text: string): Promise<number> {
    let at = Number.NaN;
    const isThere = (event: { payload: { text: string } }) => {
      if (!event.payload.text.includes(text)) return false;
      at = performance.now();
      return true;
    };
    return world.events.until("part.delta", isThere).then(() => at);
  }
  const last = () => world.model.requests.at(-1);
  try {
    await sample(ROUNDS, async (round) => {
      await pass(BURST_MS);
      world.model.enqueue(say(`Words ${round} over the pipes.`));
      const atClient = seen(`Words ${round} over the pipes`);
      const { sentAt, firstChunkAt } = await editor.prompt(`Turn ${round}`);
      const acpEnd = performance.now() - sentAt;
      const acp = (last()?.receivedAt ?? Number.NaN) - sentAt;
      const acpWords = firstChunkAt - (last()?.firstPieceAt ?? Number.NaN);
      const socketWords = (await atClient) - (last()?.firstPieceAt ?? Number.NaN);
      await pass(BURST_MS);
      world.model.enqueue(say(`Words ${round} over the socket.`));
      const began = performance.now();
      const { run_id } = await world.prompt(`Turn ${round}`);
      await world.completed(run_id);
      const socketEnd = performance.now() - began;
      const socket = (last()?.receivedAt ?? Number.NaN) - began;
      if (round < 0) return 0;
      for (const [figures, through, without] of [
        [prompt, acp, socket],
        [words, acpWords, socketWords],
        [whole, acpEnd, socketEnd],
      ] as const) {
        figures.acp.push(through);
        figures.socket.push(without);
        figures.added.push(through - without);
      }
      return 0;
    });
  } finally {
    await editor.close();
    await world.close();
  }
  const rows = (name: string, { acp, socket, added }: typeof prompt): Row[] => [
    { name, unit: "ms", samples: acp, floor: socket },
    { name: `${name}: added`, unit: "ms", samples: added, aim: "< 2" },
  ];
  return [
    ...rows("an editor's prompt to the model", prompt),
    ...rows("the model's first words to the editor", words),
    ...rows("a turn, from the prompt to its reply", whole),
  ];
}

/** One `hearth acp` with many sessions, and many with one each. */
async function memory(): Promise<Row[]> {
  const figures = { one: [], many: [], apart: [], idle: [], daemon: [] } as Record<
    "one" | "many" | "apart" | "idle" | "daemon",
    number[]
  >;
  for (let round = 0; round < MEMORY_ROUNDS; round += 1) {
    const world = await openBenchWorld();
    world.model.script(() => say("Hello."));
    const editors: DirectAcp[] = [];
    try {
      const { run_id } = await world.prompt("Hello");
      await world.completed(run_id);
      figures.idle.push(memoryOf(world.daemon.pid));
      const editor = await openAcp(world);
      editors.push(editor);
      await editor.prompt("Hello");
      await pass(SETTLE_MS);
      figures.one.push(memoryOf(editor.pid));
      for (let n = 1; n < SESSIONS; n += 1) await editor.anotherTurn("Hello");
      await pass(SETTLE_MS);
      figures.many.push(memoryOf(editor.pid));
      figures.daemon.push(memoryOf(world.daemon.pid));
      await editor.close();
      editors.pop();
      for (let n = 0; n < SESSIONS; n += 1) {
        const window = await openAcp(world);
        editors.push(window);
        await window.prompt("Hello");
      }
      await pass(SETTLE_MS);
      figures.apart.push(editors.reduce((sum, { pid }) => sum + memoryOf(pid), 0));
    } finally {
      await Promise.all(editors.map((each) => each.close()));
      await world.close();
    }
  }
  const row = (name: string, samples: number[], floor?: number[]): Row => ({
    name,
    unit: "MB",
    samples,
    floor,
  });
  return [
    row("`hearth acp` with one session", figures.one),
    row(`\`hearth acp\` with ${SESSIONS} sessions, against one`, figures.many, figures.one),
    row(`${SESSIONS} \`hearth acp\` with one session each, against one`, figures.apart, figures.one),
    row(`the daemon with those ${SESSIONS} sessions, against one session`, figures.daemon, figures.idle),
  ];
}

const parts = ["turns", "memory"].filter((part) => process.argv.includes(part));
const isAsked = (part: string) => parts.length === 0 || parts.includes(part);
const FILE = "bench-editors.md";
if (isAsked("turns")) report("Turns", await turns(), FILE);
if (isAsked("memory")) report("Memory", await memory(), FILE);
