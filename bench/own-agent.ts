// What hearth's own agent takes for itself, without a model: `npm run bench -- own-agent [judging|requests|searches|memory] [--write]`. What it adds to the
// time to the first token is in `npm run bench -- daemon`: to the request at the model, and from its first byte on.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { createHistory } from "../src/agent/native/context/history.ts";
import { phrases } from "../src/agent/native/context/phrases.ts";
import { createDiskJudge } from "../src/agent/permission/judge-on-disk.ts";
import type { Message } from "../src/protocol/message.ts";
import { localConfig, repository } from "../test/support/home.ts";
import { say } from "../test/support/model-server.ts";
import { createPlace, grantedRules, policyFor, request } from "../test/support/permission.ts";
import { createToolBench } from "../test/support/tool-bench.ts";
import { openBenchWorld } from "./measure/bench-world.ts";
import { memoryOf } from "./measure/process.ts";
import { type Row, report, sample } from "./measure/report.ts";

const FILES = 100_000;
const FILES_A_FOLDER = 200;
const TURNS = 500;
const NEVER = new AbortController().signal;

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

async function judgements(): Promise<number[]> {
  const place = createPlace();
  writeFileSync(join(place.root, "package.json"), JSON.stringify({ scripts: { test: "node test.js" } }));
  const judge = createDiskJudge();
  const policy = policyFor(place, {
    allow: ["bash(git log *)", "bash(npm test *)"],
    deny: ["bash(curl *)", "edit(secrets/**)"],
    grants: { session: grantedRules(["bash(make *)", "edit(src/**)"]), always: [] },
  });
  const lines = [
    "npm test -- --run a.test.ts",
    "git status && git diff --stat | head -20",
    "cd src && grep -rn 'TODO' . | sort | uniq -c",
    "for f in src/*.ts; do wc -l $f; done > build/counts.txt",
    "make test",
    "npm install left-pad && node -e 'console.log(1)'",
  ];
  const took = await sample(200, (round) => {
    const command = lines[Math.abs(round) % lines.length] ?? "";
    const asked = request({ type: "command", command, cwd: place.root, sandbox: "writable" });
    return timed(() => judge(asked, () => policy));
  });
  place.remove();
  return took;
}

/** A conversation of so many turns, each a prompt, a call with its result, and an answer. */
function conversation(): Message[] {
  let seq = 0;
  const message = (role: Message["role"], run: number, part: object): Message => {
    seq += 1;
    const id = seq.toString(16).padStart(32, "0");
    return {
      ...{
        id: `msg_${id}`,
        session_id: `ses_${id}`,
        run_id: `run_${run.toString(16).padStart(32, "0")}`,
        seq,
      },
      ...{ role, agent: "hearth", model: "m", finish_reason: "end_turn" },
      ...{ created_at: "", updated_at: "", completed_at: "" },
      parts: [{ id: `prt_${id}`, ...part } as Message["parts"][number]],
    };
  };
  return Array.from({ length: TURNS }, (_, run) => [
    message("user", run, { type: "text", text: `Prompt ${run}` }),
    message("assistant", run, {
      ...{ type: "tool_call", tool_call_id: `call_${run}`, name: "read", kind: "read", title: "a.txt" },
      ...{ input: { path: "a.txt" }, status: "completed", output: "some words of a line\n".repeat(40) },
    }),
    message("assistant", run, { type: "text", text: "An answer in a few words. ".repeat(10) }),
  ]).flat();
}

async function requestBuilds(isFirst: boolean): Promise<number[]> {
  const reader = {
    ...{ agent: "hearth", model: "m", phrases, accepts: () => true },
    traits: { userAfterTool: true, callIds: "plain", resultMedia: false, search: "none" } as const,
    loadFile: () => Promise.reject(new Error("there is no file")),
  };
  const messages = conversation();
  const known = createHistory(reader);
  return sample(20, () => {
    const history = isFirst ? createHistory(reader) : known;
    return timed(() => history(messages, "", new Map(), NEVER));
  });
}

async function searches(): Promise<Row[]> {
  const bench = createToolBench();
  for (let at = 0; at < FILES; at += 1) {
    const folder = join(bench.root, `f${Math.floor(at / FILES_A_FOLDER)}`);
    if (at % FILES_A_FOLDER === 0) mkdirSync(folder);
    writeFileSync(join(folder, `file-${at}.ts`), `export const name${at} = ${at};\n`);
  }
  const run = (name: string, input: object) => async () => (await bench.prepared(name, input)).run();
  const grep = await sample(5, () => timed(run("grep", { pattern: "name77777\\b" })), 1);
  const glob = await sample(5, () => timed(run("glob", { pattern: "**/*77777*" })), 1);
  await bench.close();
  return [
    { name: "grep in 100,000 files", unit: "ms", samples: grep },
    { name: "glob in 100,000 files", unit: "ms", samples: glob },
  ];
}

/** The daemon with all its children. */
async function serverMemory(): Promise<number[]> {
  const world = await openBenchWorld((baseUrl, project) => {
    const bin = (path: string) => [process.execPath, join(repository, "node_modules", path)];
    const files = [...bin("@modelcontextprotocol/server-filesystem/dist/index.js"), project];
    const everything = bin("@modelcontextprotocol/server-everything/dist/index.js");
    return {
      ...localConfig(baseUrl),
      mcp_servers: { a: { command: files }, b: { command: files }, c: { command: everything } },
    };
  });
  try {
    world.model.enqueue(say("Done."));
    const { run_id } = await world.prompt("go");
    await world.completed(run_id);
    await pass(5_000);
    return [memoryOf(world.daemon.pid)];
  } finally {
    await world.close();
  }
}

const parts: Readonly<Record<string, () => Promise<Row[]>>> = {
  judging: async () => [
    { name: "judging a command", unit: "ms", samples: await judgements(), p99: true, aim: "p50 < 2" },
  ],
  requests: async () => [
    { name: "making a request of 500 turns", unit: "ms", samples: await requestBuilds(false), aim: "< 5" },
    { name: "the same, the first after a start", unit: "ms", samples: await requestBuilds(true) },
  ],
  searches,
  memory: async () => [
    { name: "three MCP servers with the daemon", unit: "MB", samples: await serverMemory() },
  ],
};
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
for (const [name, rows] of Object.entries(parts))
  if (asked.length === 0 || asked.includes(name))
    report(`Its own agent: ${name}`, await rows(), "bench-agent.md");
