// What hearth adds to another agent: `npm run bench -- agents [turns] [memory] [--write]`. Needs goose and qwen in the
// cache: node test/support/install-agents.ts
process.env["REAL_AGENTS"] = "1";

import { setTimeout as pass } from "node:timers/promises";
import type { PromptReply } from "../src/protocol/routes/runs.ts";
import { agentTools, createAgentModel } from "../test/support/agent-model.ts";
import { startDaemon } from "../test/support/daemon.ts";
import { createHome, type Home, localConfig } from "../test/support/home.ts";
import { type ModelServer, say, startModelServer } from "../test/support/model-server.ts";
import {
  agentPath,
  findRealAgent,
  type RealAgent,
  realAgentEnv,
  whyMissing,
} from "../test/support/real-agents.ts";
import { startScriptedAcp } from "../test/support/scripted-acp.ts";
import { type DirectAcp, openDirectAcp } from "./measure/direct-acp.ts";
import { memoryOf } from "./measure/process.ts";
import { type Row, report, sample } from "./measure/report.ts";

const ROUNDS = 40;
const BURST_MS = 100;
/** No model answers at once, and an answer does not wait behind what follows a prompt. */
const ANSWER_MS = 50;
const SESSIONS = 10;
/** Ten of qwen are five gigabytes. */
const MEMORY_ROUNDS = { goose: 3, qwen: 1 };

type Agents = Record<string, { command: string[]; env: Record<string, string> }>;

const clientEnv = ({ env }: Home): Record<string, string> => {
  const { HOME = "", TMPDIR = "", LANG = "" } = env;
  return { HOME, TMPDIR, LANG, PATH: agentPath(), SHELL: "/bin/sh" };
};

/** A built daemon with these agents and one attached client. */
async function openWorld(home: Home, model: ModelServer, agents: Agents) {
  home.config({ ...localConfig(model.baseUrl), agents, permissions: { mode: "yolo" } });
  const daemon = await startDaemon(home);
  const api = daemon.api("bench");
  const { workspace } = await api.expect<{ workspace: { id: string } }>(201, "POST", "/v1/workspaces", {
    body: { path: home.project, env: clientEnv(home) },
  });
  const path = `/v1/workspaces/${workspace.id}`;
  const events = await daemon.events(workspace.id, "bench", { kind: "tui", validate: false });
  const completed = (runId: string) =>
    events.until("run.completed", (event) => event.payload.run_id === runId);
  return {
    daemon,
    events,
    completed,
    newSession: async (agent: string): Promise<string> =>
      (await api.expect<{ session: { id: string } }>(201, "POST", `${path}/sessions`, { body: { agent } }))
        .session.id,
    prompt: (session_id: string, prompt: string) =>
      api.expect<PromptReply>(202, "POST", `${path}/agent`, { body: { session_id, prompt } }),
    cancel: (sid: string) => api.expect(200, "POST", `${path}/agent/sessions/${sid}/cancel`),
    async ask(sid: string, text: string) {
      await completed((await this.prompt(sid, text)).run_id);
    },
    async close() {
      events.drop();
      await daemon.stop();
    },
  };
}

async function gooseTurns(goose: RealAgent): Promise<Row[]> {
  const server = await startModelServer({ isStrict: false });
  const model = createAgentModel(server, agentTools.goose);
  const env = realAgentEnv("goose", server.origin);
  const home = createHome();
  const alone = createHome();
  const world = await openWorld(home, server, { goose: { command: [...goose.command], env } });
  const direct = await openDirectAcp(goose.command, {
    cwd: alone.project,
    env: { ...clientEnv(alone), ...env, GOOSE_MODE: "approve" },
  });
  try {
    const sid = await world.newSession("goose");
    const toModel: number[] = [];
    const toModelAlone: number[] = [];
    const toEvent: number[] = [];
    const toChunkAlone: number[] = [];
    await sample(ROUNDS, async (round) => {
      model.enqueue(() => say({ until: pass(ANSWER_MS) }, "Alone."));
      const { sentAt, firstChunkAt } = await direct.prompt(`Alone ${round}`);
      const bare = model.requests.at(-1);
      model.enqueue(() => say({ until: pass(ANSWER_MS) }, `Words ${round}.`));
      let seenAt = Number.NaN;
      const seen = world.events.until("part.delta", (event) => {
        if (!event.payload.text.includes(`Words ${round}.`)) return false;
        seenAt = performance.now();
        return true;
      });
      const began = performance.now();
      const { run_id } = await world.prompt(sid, `Turn ${round}`);
      await seen;
      await world.completed(run_id);
      const request = model.requests.at(-1);
      if (round < 0) return 0;
      toModel.push((request?.receivedAt ?? Number.NaN) - began);
      toModelAlone.push((bare?.receivedAt ?? Number.NaN) - sentAt);
      toEvent.push(seenAt - (request?.firstPieceAt ?? Number.NaN));
      toChunkAlone.push(firstChunkAt - (bare?.firstPieceAt ?? Number.NaN));
      return 0;
    });
    return [
      {
        name: "warm prompt to goose's model",
        unit: "ms",
        samples: toModel,
        floor: toModelAlone,
        aim: "goose + 20",
      },
      {
        name: "goose's model's first words to a client",
        unit: "ms",
        samples: toEvent,
        floor: toChunkAlone,
        aim: "goose + 5",
      },
    ];
  } finally {
    await direct.close();
    await world.close();
    await server.close();
    home.remove();
    alone.remove();
  }
}

/** Against an agent that takes no time itself. */
async function scriptedTurns(): Promise<Row[]> {
  const server = await startModelServer();
  const home = createHome();
  const acp = await startScriptedAcp(home.folder("scripted"));
  const world = await openWorld(home, server, { scripted: { command: acp.command, env: acp.env } });
  try {
    const sid = await world.newSession("scripted");
    const told: number[] = [];
    const words: number[] = [];
    const canceled: number[] = [];
    await sample(ROUNDS, async (round) => {
      // The words of a burst are gathered: those of the next round must be a burst of their own.
      await pass(BURST_MS);
      const from = acp.heard.all.length;
      acp.nextTurn({
        deeds: [
          { do: "hold", gate: `words ${round}` },
          { do: "mark", what: "words" },
          { do: "say", texts: [`Words ${round}.`] },
          { do: "hang" },
        ],
      });
      let seenAt = Number.NaN;
      const seen = world.events.until("part.delta", (event) => {
        if (!event.payload.text.includes(`Words ${round}.`)) return false;
        seenAt = performance.now();
        return true;
      });
      const began = performance.now();
      const { run_id } = await world.prompt(sid, `Turn ${round}`);
      const prompted = await acp.until(
        (one) => one.said === "request" && one.method === "session/prompt",
        "the prompt",
        from,
      );
      acp.openGate(`words ${round}`);
      const mark = await acp.until((one) => one.said === "played", "its words", from);
      await seen;
      const cancelAt = performance.now();
      await world.cancel(sid);
      const cancel = await acp.until(
        (one) => one.said === "request" && one.method === "session/cancel",
        "the cancel",
        from,
      );
      await world.completed(run_id);
      if (round < 0) return 0;
      told.push(prompted.at - began);
      words.push(seenAt - mark.at);
      canceled.push(cancel.at - cancelAt);
      return 0;
    });
    return [
      { name: "warm prompt to the agent", unit: "ms", samples: told, aim: "< 20", p99: true },
      { name: "an agent's words to a client", unit: "ms", samples: words, aim: "< 5", p99: true },
      { name: "cancel to the agent told", unit: "ms", samples: canceled, aim: "< 10", p99: true },
    ];
  } finally {
    await world.close();
    await acp.close();
    await server.close();
    home.remove();
  }
}

/** Ten sessions in one child, against ten children with one session each. */
async function memory(agent: RealAgent, name: "goose" | "qwen"): Promise<Row> {
  const together: number[] = [];
  const apart: number[] = [];
  for (let round = 0; round < MEMORY_ROUNDS[name]; round += 1) {
    const server = await startModelServer({ isStrict: false });
    createAgentModel(server, agentTools[name]);
    const env = realAgentEnv(name, server.origin);
    const home = createHome();
    const world = await openWorld(home, server, { [name]: { command: [...agent.command], env } });
    for (let n = 0; n < SESSIONS; n += 1) await world.ask(await world.newSession(name), "Hello");
    const children = world.daemon.children().filter(({ parent }) => parent === world.daemon.pid);
    together.push(children.reduce((sum, { pid }) => sum + memoryOf(pid), 0));
    await world.close();
    const all: DirectAcp[] = [];
    const alone = createHome();
    for (let n = 0; n < SESSIONS; n += 1) {
      const direct = await openDirectAcp(agent.command, {
        cwd: alone.project,
        env: { ...clientEnv(alone), ...env },
      });
      await direct.prompt("Hello");
      all.push(direct);
    }
    apart.push(all.reduce((sum, { pid }) => sum + memoryOf(pid), 0));
    await Promise.all(all.map((direct) => direct.close()));
    await server.close();
    home.remove();
    alone.remove();
  }
  return {
    name: `ten sessions on one ${name}, against ten of it`,
    unit: "MB",
    samples: together,
    floor: apart,
    aim: "÷ floor < 0.3",
  };
}

const parts = ["turns", "memory"].filter((part) => process.argv.includes(part));
const isAsked = (part: string) => parts.length === 0 || parts.includes(part);
const FILE = "bench-agents.md";
const agents = { goose: findRealAgent("goose"), qwen: findRealAgent("qwen") };
for (const name of ["goose", "qwen"] as const)
  if (agents[name] === undefined) console.log(`skipped: ${whyMissing(name)}`);

if (isAsked("turns")) {
  const rows = await scriptedTurns();
  if (agents.goose) rows.push(...(await gooseTurns(agents.goose)));
  report("Turns", rows, FILE);
}
if (isAsked("memory")) {
  const rows: Row[] = [];
  if (agents.goose) rows.push(await memory(agents.goose, "goose"));
  if (agents.qwen) rows.push(await memory(agents.qwen, "qwen"));
  report("Memory", rows, FILE);
}
