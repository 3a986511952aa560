// What a tool step takes, hearth and pi by turns: `npm run bench -- steps [--rounds 3] [--write]`. pi has to be in the
// cache (npm install --prefix ~/.cache/hearth/agents/pi @earendil-works/pi-coding-agent); without it hearth stands alone.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createHome, localConfig } from "../test/support/home.ts";
import { agentCache } from "../test/support/real-agents.ts";
import { type BenchWorld, openBenchWorld } from "./measure/bench-world.ts";
import { cpuOf } from "./measure/process.ts";
import { type Row, report } from "./measure/report.ts";
import { startStepModel } from "./measure/step-model.ts";

const EDGE = 50;
const WARM_STEPS = 200;
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    steps: { type: "string", default: "500" },
    write: { type: "boolean" },
  },
});
const ROUNDS = Number(options.rounds);
const STEPS = Number(options.steps);
const pi = join(agentCache(), "pi/node_modules/@earendil-works/pi-coding-agent/dist/cli.js");
const FILE = "some words of a line that is read again and again\n".repeat(80);

type Work = { tool: string; name: string; input(index: number): object };
const works: Work[] = [
  {
    tool: "bash",
    name: "a command",
    input: (index) => ({ command: `printf "step ${index} %s\\n" {1..60}` }),
  },
  { tool: "read", name: "a file read", input: (index) => ({ path: "a.txt", offset: 1 + (index % 40) }) },
];

/** Wall time and CPU time a step, ms, in the first and the last steps. */
type Taken = { first: number[]; last: number[]; firstCpu: number; lastCpu: number };

/** `start` starts the work against that model and tells which process's time, with its children's, counts. */
async function measured(
  { tool, input }: Work,
  start: (baseUrl: string) => Promise<{ pid: number; over: Promise<unknown>; end(): Promise<void> }>,
): Promise<Taken> {
  const marks = new Map([1, EDGE + 1, STEPS - EDGE, STEPS].map((index) => [index, 0]));
  let pid: number | undefined;
  const model = await startStepModel(tool, STEPS, input, (index) => {
    if (pid !== undefined && marks.has(index)) marks.set(index, cpuOf(pid));
  });
  const started = await start(model.baseUrl);
  pid = started.pid;
  try {
    await Promise.race([model.done, started.over]);
    if (model.steps.length < STEPS) throw new Error(`only ${model.steps.length} steps were made`);
    const { steps } = model;
    const overhead = steps
      .slice(1)
      .map(({ receivedAt }, at) => receivedAt - (steps[at]?.endedAt ?? Number.NaN));
    const cpu = (from: number, to: number) => ((marks.get(to) ?? 0) - (marks.get(from) ?? 0)) / (to - from);
    return {
      first: overhead.slice(1, EDGE + 1),
      last: overhead.slice(-EDGE),
      firstCpu: cpu(1, EDGE + 1),
      lastCpu: cpu(STEPS - EDGE, STEPS),
    };
  } finally {
    await started.end();
    model.close();
  }
}

/** `isWarm`: the daemon has done such work before, as it has for most sessions of a day. */
const ofHearth = (work: Work, isWarm: boolean): Promise<Taken> =>
  measured(work, async (baseUrl) => {
    const world = await openBenchWorld();
    world.home.write("a.txt", FILE);
    if (isWarm) await warmUp(world, work);
    world.home.config(localConfig(baseUrl));
    await world.prompt("do it");
    return { pid: world.daemon.pid, over: world.daemon.exited, end: () => world.close() };
  });

/** Another session of the same daemon. */
async function warmUp({ home, api, wid, events }: BenchWorld, { tool, input }: Work): Promise<void> {
  const model = await startStepModel(tool, WARM_STEPS, input);
  home.config(localConfig(model.baseUrl));
  const path = `/v1/workspaces/${wid}`;
  const { session } = await api.expect<{ session: { id: string } }>(201, "POST", `${path}/sessions`, {
    body: { mode: "yolo" },
  });
  const { run_id } = await api.expect<{ run_id: string }>(202, "POST", `${path}/agent`, {
    body: { session_id: session.id, prompt: "do it" },
  });
  await events.until("run.completed", (event) => event.payload.run_id === run_id);
  model.close();
}

const ofPi = (work: Work): Promise<Taken> =>
  measured(work, async (baseUrl) => {
    const home = createHome();
    home.write("a.txt", FILE);
    const dir = join(home.folder("pi"), "agent");
    mkdirSync(dir);
    const local = {
      baseUrl,
      api: "openai-completions",
      apiKey: "none",
      models: [{ id: "big", contextWindow: 128_000, maxTokens: 8192 }],
    };
    writeFileSync(join(dir, "models.json"), JSON.stringify({ providers: { local } }));
    const { HOME = "", PATH = "", LANG = "", TMPDIR = "" } = home.env;
    const child = spawn(process.execPath, [pi, "-p", "--provider", "local", "--model", "big", "do it"], {
      cwd: home.project,
      env: { HOME, PATH, LANG, TMPDIR, PI_CODING_AGENT_DIR: dir, PI_OFFLINE: "1", PI_TELEMETRY: "0" },
      stdio: ["ignore", "ignore", "inherit"],
    });
    const over = once(child, "close");
    return {
      pid: child.pid ?? 0,
      over,
      async end() {
        await over;
        home.remove();
      },
    };
  });

const hasPi = existsSync(pi);
if (!hasPi) console.log(`pi is not at ${pi}: hearth alone`);
const rows: Row[] = [];
for (const work of works) {
  const own: Taken[] = [];
  const fresh: Taken[] = [];
  const peer: Taken[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    own.push(await ofHearth(work, true));
    fresh.push(await ofHearth(work, false));
    if (hasPi) peer.push(await ofPi(work));
  }
  const row = (name: string, of: (taken: Taken) => number[], aim: string, from = own): Row => ({
    name: `${work.name}: ${name}`,
    unit: "ms",
    samples: from.flatMap(of),
    floor: hasPi ? peer.flatMap(of) : undefined,
    aim,
  });
  rows.push(
    row(`the first ${EDGE} steps`, ({ first }) => first, "÷ floor ≤ 0.8"),
    row(`the last ${EDGE} of ${STEPS}`, ({ last }) => last, "÷ floor ≤ 0.6"),
    row(`the first ${EDGE} steps of a daemon`, ({ first }) => first, "", fresh),
    row(`CPU a step, the first ${EDGE}`, ({ firstCpu }) => [firstCpu], ""),
    row(`CPU a step, the last ${EDGE}`, ({ lastCpu }) => [lastCpu], ""),
  );
}
report("Steps, the floor being pi's", rows, "bench-daemon.md");
