// What hearth's own agent takes for itself, without a model: `npm run bench -- own-agent [judging|requests|searches|first|compaction|memory] [--write]`.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pass } from "node:timers/promises";
import { createHistory } from "../src/agent/native/context/history.ts";
import { phrases } from "../src/agent/native/context/phrases.ts";
import { createDiskJudge } from "../src/agent/permission/judge-on-disk.ts";
import type { Message } from "../src/protocol/message.ts";
import { createGate } from "../test/support/happenings.ts";
import { localConfig, repository } from "../test/support/home.ts";
import { type ModelRequest, say, toolResults } from "../test/support/model-server.ts";
import { createPlace, grantedRules, policyFor, request } from "../test/support/permission.ts";
import { createToolBench } from "../test/support/tool-bench.ts";
import { openBenchWorld } from "./measure/bench-world.ts";
import { memoryOf } from "./measure/process.ts";
import { type Row, report, sample } from "./measure/report.ts";

const FILES = 100_000;
const FILES_A_FOLDER = 200;
const TURNS = 500;
const FIRST_ROUNDS = 200;
/** Nobody prompts sooner; text within 45 ms of other text is told together. */
const PERSON_PAUSE_MS = 100;
const COMPACTIONS = 10;
/** 40 answers of 8,000 characters. */
const COMPACTED_TURNS = 40;
const COMPACTED_WORDS = 320;
const SOURCES = 100;
const SETTLE_MS = 5_000;
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

/** From a client's POST to the first words at it, less what the model takes until it writes: all of it is ours. */
async function firstTokens(): Promise<number[]> {
  const world = await openBenchWorld();
  try {
    return await sample(FIRST_ROUNDS, async () => {
      await pass(PERSON_PAUSE_MS);
      const index = world.model.requests.length;
      const since = world.events.lastSeq() ?? 0;
      const gate = createGate(); // words that come with the end of their answer are told with it
      world.model.enqueue(say("word", { until: gate.passed }));
      const arrived = world.events.untilAfter(since, "part.delta").then(() => performance.now());
      const began = performance.now();
      const { run_id } = await world.prompt("hello");
      const at = await arrived;
      gate.open();
      const { receivedAt, firstPieceAt = receivedAt } = await world.model.request(index);
      await world.completed(run_id);
      return at - began - (firstPieceAt - receivedAt);
    });
  } finally {
    await world.close();
  }
}

/** A compaction of about 80,000 tokens, its model answering at once. */
async function compactions(): Promise<number[]> {
  const world = await openBenchWorld();
  const path = `/v1/workspaces/${world.wid}/sessions/${world.sid}/compact`;
  let rounds = 0;
  const summary = "## Goal\nTo measure.\n".repeat(100);
  try {
    return await sample(
      COMPACTIONS,
      async () => {
        for (let turn = 0; turn < COMPACTED_TURNS; turn += 1) {
          world.model.enqueue(say("Some words of an answer. ".repeat(COMPACTED_WORDS)));
          const { run_id } = await world.prompt(`turn ${turn}`);
          await world.completed(run_id);
        }
        world.model.enqueue(say(summary));
        const began = performance.now();
        const { run_id } = await world.api.expect<{ run_id: string }>(202, "POST", path, { body: {} });
        await world.completed(run_id);
        const taken = performance.now() - began;
        rounds += 1;
        if (world.model.requests.length !== rounds * (COMPACTED_TURNS + 1))
          throw new Error("it was not the compaction that was measured");
        return taken;
      },
      1,
    );
  } finally {
    await world.close();
  }
}

/** The daemon with all its children; then with a language server, too. */
async function serverMemory(): Promise<[servers: number, withLanguage: number]> {
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
    await pass(SETTLE_MS);
    const servers = memoryOf(world.daemon.pid);
    world.home.write("tsconfig.json", '{ "compilerOptions": { "strict": true, "noEmit": true } }');
    for (let at = 0; at < SOURCES; at += 1)
      world.home.write(`src/file-${at}.ts`, `export const name${at} = (a: number) => a + ${at};\n`);
    const content = "export const wrong: number = 'text';\n";
    world.model.enqueue(say({ call: "write", input: { path: "src/new.ts", content } }), say("Done."));
    const edited = await world.prompt("write it");
    await world.completed(edited.run_id);
    const told = toolResults(world.model.requests.at(-1) as ModelRequest).at(-1)?.text ?? "";
    if (!told.includes("typescript reports")) throw new Error(`no language server: ${told}`);
    await pass(SETTLE_MS);
    return [servers, memoryOf(world.daemon.pid)];
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
  first: async () => [
    {
      ...{ name: "added to the time to the first token", unit: "ms", samples: await firstTokens() },
      ...{ p99: true, aim: "p50 < 50" },
    },
  ],
  compaction: async () => [
    { name: "a compaction of 80,000 tokens, without its model", unit: "ms", samples: await compactions() },
  ],
  memory: async () => {
    const [servers, withLanguage] = await serverMemory();
    return [
      { name: "three MCP servers with the daemon", unit: "MB", samples: [servers] },
      { name: "the same with TypeScript's language server", unit: "MB", samples: [withLanguage] },
    ];
  },
};
const asked = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
for (const [name, rows] of Object.entries(parts))
  if (asked.length === 0 || asked.includes(name))
    report(`Its own agent: ${name}`, await rows(), "bench-agent.md");
