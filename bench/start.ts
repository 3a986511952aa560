// What it takes until something is there: `npm run bench -- start [--write]`.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { runHearth } from "../test/support/cli.ts";
import { startDaemon } from "../test/support/daemon.ts";
import { createHome, launcher, localConfig } from "../test/support/home.ts";
import { startModelServer } from "../test/support/model-server.ts";
import { buildBareInk, timeFirstFrame } from "./measure/first-frame.ts";
import { timeProcess } from "./measure/process.ts";
import { type Row, report, sample } from "./measure/report.ts";

const ROUNDS = 15;
const home = createHome();
const model = await startModelServer();
home.config(localConfig(model.baseUrl));
const bareInk = await buildBareInk();
const env = home.env;
const inHome = { cwd: home.project, env };
const node = () => timeProcess(["-e", "0"], inHome);

/** Floor and subject in turn, so that both meet the same moments. */
async function sideBySide(name: string, aim: string, work: () => Promise<number>, base = node): Promise<Row> {
  const floor: number[] = [];
  const samples = await sample(ROUNDS, async () => {
    floor.push(await base());
    return work();
  });
  return { name, unit: "ms", samples, floor: floor.slice(-ROUNDS), aim };
}

async function startAndStop(): Promise<number> {
  const began = performance.now();
  const daemon = await startDaemon(home);
  const taken = performance.now() - began;
  await daemon.stop();
  return taken;
}

try {
  const rows: Row[] = [];
  rows.push(
    await sideBySide("hearth --version", "÷ Node ≤ 2", () => timeProcess([launcher, "--version"], inHome)),
  );
  rows.push(await sideBySide("hearth --help", "÷ Node ≤ 2", () => timeProcess([launcher, "--help"], inHome)));
  rows.push(await sideBySide("daemon start, warm", "", startAndStop));
  const cold = async () => {
    await runHearth(home, ["daemon", "stop"]);
    for (const folder of ["data", "run", "state", "cache"]) {
      rmSync(join(home.dir, folder), { recursive: true, force: true });
    }
  };
  const startByCommand = async () => {
    const began = performance.now();
    const result = await runHearth(home, ["daemon", "restart"], { env: { NODE_COMPILE_CACHE: undefined } });
    if (result.code !== 0) throw new Error(result.stderr);
    return performance.now() - began;
  };
  rows.push(
    await sideBySide("daemon start on an empty home, nothing compiled, by a command", "", async () => {
      await cold();
      return startByCommand();
    }),
  );
  rows.push(
    await sideBySide("hearth run, one-word answer, daemon there", "÷ Node ≤ 4", () =>
      timeProcess([launcher, "run", "hello"], inHome),
    ),
  );
  const frame = () => timeFirstFrame([launcher], home.project, env);
  rows.push(await sideBySide("first frame, daemon there", "÷ Node ≤ 2", frame));
  const ink = () => timeFirstFrame([bareInk], home.project, env);
  rows.push(await sideBySide("first frame against a bare Ink frame", "", frame, ink));
  await runHearth(home, ["daemon", "stop"]);
  const frameAndStop = async () => {
    const taken = await frame();
    await runHearth(home, ["daemon", "stop"]);
    return taken;
  };
  rows.push(await sideBySide("first frame, no daemon", "÷ Node ≤ 2", frameAndStop));
  report("Start", rows);
} finally {
  await runHearth(home, ["daemon", "stop"]);
  await model.close();
  home.remove();
}
