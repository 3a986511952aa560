// What large things cost: the longest turn of the daemon's event loop, and what people wait. `npm run bench -- large`.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { startDaemon } from "../test/support/daemon.ts";
import { createHome, localConfig } from "../test/support/home.ts";
import { say, startModelServer } from "../test/support/model-server.ts";
import { type Row, report } from "./measure/report.ts";

const FILES = Number(process.env["BENCH_FILES"] ?? 352_000);
const MESSAGES = Number(process.env["BENCH_MESSAGES"] ?? 10_000);
const AIM = "≤ 50";

const home = createHome();
const model = await startModelServer();
home.config(localConfig(model.baseUrl));
const delayFile = join(home.dir, "loop-delay");
const probe = new URL("measure/loop-delay.ts", import.meta.url).href;
const daemon = await startDaemon(home, {
  env: { NODE_OPTIONS: `--import=${probe}`, BENCH_LOOP_DELAY_FILE: delayFile },
});
const api = daemon.api("bench");
const rows: Row[] = [];
let asked = 0;

/** Of the daemon, since it was last asked. */
async function longestTurn(): Promise<number> {
  asked += 1;
  process.kill(daemon.pid, "SIGUSR2");
  for (;;) {
    const [count, ms] = read(delayFile).split(" ");
    if (Number(count) === asked) return Number(ms);
    await pass(5);
  }
}
function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // not asked yet
  }
}

async function measure(name: string, work: () => Promise<unknown>): Promise<void> {
  await pass(300);
  await longestTurn();
  const began = performance.now();
  await work();
  const taken = performance.now() - began;
  rows.push({ name: `${name}: until it is done`, unit: "ms", samples: [taken] });
  rows.push({ name: `${name}: longest turn`, unit: "ms", samples: [await longestTurn()], aim: AIM });
}

try {
  const { workspace } = await api.expect<{ workspace: { id: string } }>(201, "POST", "/v1/workspaces", {
    body: { path: home.project, env: home.env },
  });
  const path = `/v1/workspaces/${workspace.id}`;
  const newSession = async () =>
    (
      await api.expect<{ session: { id: string } }>(201, "POST", `${path}/sessions`, {
        body: { mode: "yolo" },
      })
    ).session.id;
  const events = await daemon.events(workspace.id, "bench", { kind: "tui", validate: false });
  let sid = await newSession();
  const turn = async (...steps: Parameters<typeof model.enqueue>) => {
    model.enqueue(...steps);
    const { run_id } = await api.expect<{ run_id: string }>(202, "POST", `${path}/agent`, {
      body: { session_id: sid, prompt: "go on" },
    });
    await events.until("run.completed", (event) => event.payload.run_id === run_id);
  };
  const call = (name: string, input: object) => say("", { call: name, input });
  const done = say("Done.");

  await turn(call("bash", { command: "true" }), done); // what is loaded at first use is loaded

  home.write("many.txt", Array.from({ length: 10_000 }, (_, at) => `  call(${at}); // old`).join("\n"));
  await turn(call("read", { path: "many.txt", limit: 1 }), done);
  const everywhere = { old_string: "old", new_string: "new", replace_all: true };
  await measure("replace_all with 10,000 matches", () =>
    turn(call("edit", { path: "many.txt", edits: [everywhere] }), done),
  );

  const line = (at: number) => `  const value${at} = compute(${at}, "${at % 7}");`;
  home.write("long.ts", Array.from({ length: 60_000 }, (_, at) => line(at)).join("\n"));
  await turn(call("read", { path: "long.ts", limit: 1 }), done);
  const edits = Array.from({ length: 100 }, (_, at) => ({
    old_string: `${line(at * 500)}  `,
    new_string: `  const changed${at} = 1;`,
  }));
  await measure("100 inexact edits in 60,000 lines", () =>
    turn(call("edit", { path: "long.ts", edits }), done),
  );
  const whole = Array.from({ length: 20_000 }, (_, at) => `other line ${at}`).join("\n");
  await measure("a file of 60,000 lines written anew", () =>
    turn(call("write", { path: "long.ts", content: whole }), done),
  );

  await measure("a command that says 20 MB", () =>
    turn(call("bash", { command: "yes 'a line of some words that goes on' | head -c 20000000" }), done),
  );
  await measure("a command of 1 MB", () =>
    turn(call("bash", { command: `echo ${"word ".repeat(200_000)}` }), done),
  );
  await measure("a command of 90,000 characters", () =>
    turn(call("bash", { command: `: '${"word ".repeat(18_000)}'` }), done),
  );

  for (let at = 0; at < FILES; at += 1) {
    if (at % 200 === 0) mkdirSync(join(home.project, `pkg${at % 97}/src/part${at}`), { recursive: true });
    writeFileSync(
      join(home.project, `pkg${(at - (at % 200)) % 97}/src/part${at - (at % 200)}/file-${at}.ts`),
      "",
    );
  }
  const find = (query: string) =>
    api.expect<{ files: string[]; complete: boolean; truncated: boolean }>(200, "GET", `${path}/files`, {
      query: { query },
    });
  const name = `@ in ${FILES.toLocaleString("en")} files`;
  await measure(`${name}, the first list`, () => find("file"));
  await measure(`${name}, all of them`, async () => {
    for (;;) {
      const { complete, files, truncated } = await find(`file-${FILES - 1}`);
      if (!complete) continue;
      if (truncated || !files[0]?.endsWith(`file-${FILES - 1}.ts`)) throw new Error("a file was not found");
      return;
    }
  });
  await measure(`${name}, five more questions`, async () => {
    for (const query of ["f", "fi", "fil", "pkg3", "part7f1"]) await find(query);
  });
  await measure(`grep in ${FILES.toLocaleString("en")} files`, () =>
    turn(call("grep", { pattern: "nothing-like-that" }), done),
  );
  await measure(`glob in ${FILES.toLocaleString("en")} files`, () =>
    turn(call("glob", { pattern: "**/*.ts" }), done),
  );

  sid = await newSession();
  const stepsATurn = 90;
  for (let steps = 0; steps < MESSAGES / 2; steps += stepsATurn) {
    const reads = Array.from({ length: stepsATurn }, (_, at) =>
      call("read", { path: "many.txt", offset: 1 + ((steps + at) % 9000), limit: 20 }),
    );
    await turn(...reads, done);
  }
  const counted = `a session of ${MESSAGES.toLocaleString("en")} messages`;
  await measure(`${counted}, two more`, () => turn(call("bash", { command: "true" }), done));
  await measure(`${counted} opened`, async () => {
    await api.expect(200, "GET", `${path}/snapshot`, { query: { session_id: sid } });
    await api.expect(200, "GET", `${path}/sessions/${sid}/messages`, { query: { limit: "1000" } });
  });
  events.drop();
} finally {
  report("Large things", rows, "bench-large.md");
  await daemon.stop();
  await model.close();
  home.remove();
}
