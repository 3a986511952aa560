import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { knownAgents } from "../../../src/agent/registry/known-agents.ts";
import { modesOf } from "../../../src/agent/registry/resolve-agent.ts";
import { type AgentTools, agentTools, createAgentModel } from "../../support/agent-model.ts";
import type { Place } from "../../support/agent-world.ts";
import { type BackendPlan, noModes } from "../../support/backend-plan.ts";
import { repository } from "../../support/home.ts";
import { type ModelServer, type Piece, say } from "../../support/model-server.ts";
import {
  agentPath,
  findRealAgent,
  type RealAgentName,
  realAgentEnv,
  realAgentFiles,
  whyMissing,
} from "../../support/real-agents.ts";
import { type Deed as ScriptedDeed, startScriptedAcp } from "../../support/scripted-acp.ts";

/** One thing that an agent, or the model behind it, does in a turn. */
export type Deed =
  | { say: string }
  | { think: string }
  | { write: string; content: string }
  | { read: string }
  | { shell: string }
  /** As `shell`, without asking for more than its sandbox gives. */
  | { bare: string }
  | { plan: [string, string] }
  /** Says no more until it is canceled. */
  | "hang"
  /** Words, one after the other, until it is canceled. */
  | { babble: string };

/** What the steps of a turn do: each is one answer of the model's. */
export type Steps = Deed[][];

/** An agent at work in one test. */
export type Running = {
  agent: string;
  plan: BackendPlan;
  /** `opencode serve` was started, with that pid. */
  served(pid: number): void;
  /** The next turn goes like this. */
  will(steps: Steps): void;
  /** Resolves when the agent, or the model behind it, has been asked for so many answers in all. */
  asked(count: number): Promise<unknown>;
  askedCount(): number;
  /** All that the agent, or the model behind it, was told last. */
  lastTold(): string;
  /** The model that was asked last. */
  lastModel(): string | undefined;
  /** Of the agent, in the order they were started. */
  pids(): number[];
  /** How often hearth sent it that; undefined where it does not speak the protocol. */
  sent(method: string): number | undefined;
  /** How often it asked hearth for that; undefined likewise. */
  askedUs(method: string): number | undefined;
  close(): Promise<void>;
};

/** Where one agent differs from the others, by no fault of hearth's. */
export type Traits = {
  /** It tells how much of its input was cached. */
  tellsCache: boolean;
  /** It thinks aloud. */
  thinks: boolean;
  /** What one answer of its model's is counted as: in a turn of several, of all of them or of the last. */
  counts: "turn" | "last" | "nothing";
  /** Denied, it goes on to say something; else its turn ends there. */
  goesOnWhenDenied: boolean;
  /** It hears a cancel while its model is silent; else it has to be ended by force. */
  hearsCancelInSilence: boolean;
  /** It tells what a command put out, and how it ended. */
  tellsOutput: boolean;
  /** A conversation outlives its process; else the next one is told what was said. */
  keepsConversations: boolean;
  /** What it has hearth do for it. */
  usesUs: readonly ("read" | "write" | "terminal")[];
  /** It writes through hearth and never by itself. */
  leavesWritingToUs: boolean;
  /** A model other than its own choice, as hearth is told of it and as its provider is; null: it has one alone. */
  anotherModel: { id: string; asked: string } | null;
  /** It turns down a model that it does not know. */
  refusesModels: boolean;
  titles: boolean;
  plans: boolean;
  modes: boolean;
  models: boolean;
  commands: boolean;
};

/** A backend that the suite is run over. */
export type Subject = Traits & {
  name: string;
  version: string;
  kind: "native" | "acp" | "opencode";
  start(place: Place, model: ModelServer): Promise<Running>;
};
export type Missing = { name: string; missing: string };

/** What most do; each subject says where it differs. */
const usual = {
  ...{ tellsCache: true, thinks: true, counts: "turn", goesOnWhenDenied: true },
  ...{ hearsCancelInSilence: true, tellsOutput: true, keepsConversations: true },
  ...{ usesUs: [], leavesWritingToUs: false },
  ...{ anotherModel: null, refusesModels: true },
  ...{ titles: true, plans: true, modes: true, models: true, commands: true },
} as const satisfies Traits;

/** For two minutes: longer than anything takes that is waited for meanwhile. */
const BABBLE_WORDS = 2400;
const BABBLE_MS = 50;

const tap = join(repository, "test/support/tap-acp.ts");

/** What an agent's model is to say, in the agent's own tools. */
function piecesOf(deeds: readonly Deed[], tools: AgentTools, place: Place): Piece[] {
  return deeds.flatMap((deed): Piece[] => {
    if (deed === "hang") return [{ stop: "hang" }];
    if ("say" in deed) return [deed.say];
    if ("think" in deed) return [{ reasoning: deed.think }];
    if ("write" in deed) return [tools.write(resolve(place.project, deed.write), deed.content)];
    if ("read" in deed) return [tools.read(resolve(place.project, deed.read))];
    if ("shell" in deed) return [tools.shell(deed.shell)];
    if ("bare" in deed) return [(tools.bareShell ?? tools.shell)(deed.bare)];
    if ("plan" in deed) return tools.plan ? [tools.plan(...deed.plan)] : [];
    // In time: some agents hear a cancel only between two words.
    return Array.from({ length: BABBLE_WORDS }, (_, n): Piece[] => [
      `${deed.babble}${n} `,
      { until: new Promise((resolve) => setTimeout(resolve, BABBLE_MS * n).unref()) },
    ]).flat();
  });
}

/** An agent whose model is a script. */
function modelDriver(server: ModelServer, tools: AgentTools, place: Place) {
  const model = createAgentModel(server, tools);
  return {
    will(steps: Steps) {
      model.forget();
      model.enqueue(
        ...steps.map((deeds) => () => ({
          ...say(...piecesOf(deeds, tools, place)),
          usage: { input: 1000, output: 20, cache_read: 400 },
        })),
      );
    },
    asked: (count: number) => model.asked(count),
    askedCount: () => model.requests.length,
    lastTold: () => JSON.stringify(model.requests.at(-1)?.body.messages ?? []),
    lastModel: () => model.requests.at(-1)?.body.model,
  };
}

type RealOptions = Partial<Traits> & { env?: Record<string, string> };

/** A real agent over ACP. Between it and hearth stands a relay that writes down what is sent. */
export function realAcp(name: RealAgentName, { env = {}, ...traits }: RealOptions): Subject | Missing {
  const agent = findRealAgent(name);
  if (agent === undefined) return { name, missing: whyMissing(name) };
  return {
    ...usual,
    ...traits,
    name,
    version: agent.version,
    kind: "acp",
    async start(place, server) {
      settle(name, place);
      const log = join(place.base, "tap.jsonl");
      writeFileSync(log, "");
      const lines = () =>
        readFileSync(log, "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as { pid?: number; method?: string; asks?: string });
      return {
        agent: name,
        plan: {
          ...{ kind: "acp", agent: name, modes: modesOf(knownAgents[name] ?? null, env) },
          command: [process.execPath, tap, log, ...agent.command],
          env: { ...realAgentEnv(name, server.origin), PATH: agentPath(), ...env },
        },
        served() {},
        ...modelDriver(server, agentTools[name], place),
        pids: () => lines().flatMap(({ pid }) => pid ?? []),
        sent: (method) => lines().filter((line) => line.method === method).length,
        askedUs: (method) => lines().filter((line) => line.asks === method).length,
        close: async () => {},
      };
    },
  };
}

function settle(name: RealAgentName, { home }: Place) {
  const file = realAgentFiles[name];
  if (file === undefined) return;
  const path = join(home, file.path);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(file.content));
}

/** `opencode serve`, as hearth runs it. */
export function realOpencode(): Subject | Missing {
  const agent = findRealAgent("opencode");
  if (agent === undefined) return { name: "opencode serve", missing: whyMissing("opencode") };
  return {
    ...usual,
    name: "opencode serve",
    version: agent.version,
    kind: "opencode",
    anotherModel: { id: "fake/other-model", asked: "other-model" },
    async start(place, server) {
      const pids: number[] = [];
      return {
        agent: "opencode",
        plan: {
          ...{ kind: "opencode", agent: "opencode", command: [agent.program], modes: noModes },
          env: {
            ...realAgentEnv("opencode", server.origin),
            PATH: agentPath(),
            OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask","webfetch":"ask"}',
          },
        },
        served: (pid) => void pids.push(pid),
        ...modelDriver(server, agentTools.opencode, place),
        pids: () => pids,
        sent: () => undefined,
        askedUs: () => undefined,
        close: async () => {},
      };
    },
  };
}

export const native: Subject = {
  ...usual,
  name: "hearth",
  version: "native",
  kind: "native",
  anotherModel: { id: "local/small", asked: "small" },
  titles: false,
  plans: false,
  modes: false,
  models: false,
  commands: false,
  async start(place, server) {
    return {
      agent: "hearth",
      plan: { kind: "native", agent: "hearth", baseUrl: server.baseUrl },
      served() {},
      ...modelDriver(server, agentTools.hearth, place),
      pids: () => [],
      sent: () => undefined,
      askedUs: () => undefined,
      close: async () => {},
    };
  },
};

/** An ACP agent of our own, that keeps to the protocol in every word. */
export const scripted: Subject = {
  ...usual,
  name: "scripted",
  version: "1.0.0",
  kind: "acp",
  usesUs: ["read", "write", "terminal"],
  leavesWritingToUs: true,
  anotherModel: { id: "big", asked: "big" },
  refusesModels: false,
  async start(place) {
    const acp = await startScriptedAcp(place.base);
    acp.everyStart({
      session: {
        modes: {
          currentModeId: "auto",
          availableModes: [
            { id: "auto", name: "Auto" },
            { id: "ask", name: "Ask" },
          ],
        },
        configOptions: [
          {
            ...{ id: "model", name: "Model", category: "model", type: "select", currentValue: "small" },
            options: [
              { value: "small", name: "Small" },
              { value: "big", name: "Big" },
            ],
          },
        ],
      },
      early: [
        {
          sessionUpdate: "available_commands_update",
          availableCommands: [{ name: "init", description: "Begins" }],
        },
      ],
    });
    return {
      agent: "scripted",
      plan: { kind: "acp", agent: "scripted", command: acp.command, env: acp.env, modes: noModes },
      served() {},
      will(steps) {
        acp.forgetTurns();
        acp.nextTurn({ deeds: [...scriptedDeeds(steps, place), endOf(steps)] });
      },
      asked: (count) => acp.asked("session/prompt", count),
      askedCount: () => acp.count("session/prompt"),
      lastTold: () => JSON.stringify(acp.paramsOf("session/prompt").at(-1) ?? {}),
      lastModel: () => acp.paramsOf("session/set_config_option").at(-1)?.["value"] as string | undefined,
      pids: acp.pids,
      sent: acp.count,
      askedUs: (method) => acp.answersTo(method).length,
      close: acp.close,
    };
  },
};

const endOf = (steps: Steps): ScriptedDeed => ({
  do: "stop",
  result: {
    stopReason: "end_turn",
    usage: {
      ...{
        inputTokens: 600 * steps.length,
        cachedReadTokens: 400 * steps.length,
        outputTokens: 20 * steps.length,
      },
      totalTokens: 1020 * steps.length,
    },
  },
});

let calls = 0;
function scriptedDeeds(steps: Steps, place: Place): ScriptedDeed[] {
  const title: ScriptedDeed = {
    do: "update",
    update: { sessionUpdate: "session_info_update", title: "A title" },
  };
  return [title, ...steps.flat().flatMap((deed) => scriptedDeed(deed, place))];
}

function scriptedDeed(deed: Deed, place: Place): ScriptedDeed[] {
  if (deed === "hang") return [{ do: "hang" }];
  if ("say" in deed) return [{ do: "say", texts: [deed.say] }];
  if ("think" in deed) return [{ do: "think", text: deed.think }];
  if ("babble" in deed)
    return [
      { do: "say", texts: Array.from({ length: 50 }, (_, n) => `${deed.babble}${n} `) },
      { do: "hang" },
    ];
  if ("plan" in deed) {
    const [first, second] = deed.plan;
    const entries = [
      { content: first, status: "in_progress", priority: "high" },
      { content: second, status: "pending", priority: "low" },
    ];
    return [{ do: "update", update: { sessionUpdate: "plan", entries } }];
  }
  calls += 1;
  const toolCallId = `call_${calls}`;
  const end = (status: string): ScriptedDeed => ({
    do: "update",
    update: { sessionUpdate: "tool_call_update", toolCallId, status },
  });
  if ("read" in deed) {
    const path = resolve(place.project, deed.read);
    const call = { title: "read", kind: "read", rawInput: { path }, locations: [{ path }] };
    return [
      {
        do: "update",
        update: { sessionUpdate: "tool_call", status: "in_progress", toolCallId, ...call },
      },
      { do: "request", method: "fs/read_text_file", params: { path } },
      end("completed"),
    ];
  }
  if ("write" in deed) {
    const path = resolve(place.project, deed.write);
    const rawInput = { path, content: deed.content };
    const toolCall = { toolCallId, title: "write", kind: "edit", rawInput, locations: [{ path }] };
    return [
      { do: "update", update: { sessionUpdate: "tool_call", status: "pending", ...toolCall } },
      {
        ...{ do: "ask", toolCall },
        allowed: [{ do: "request", method: "fs/write_text_file", params: rawInput }, end("completed")],
        refused: [end("failed")],
      },
    ];
  }
  const command = "shell" in deed ? deed.shell : deed.bare;
  const rawInput = { command };
  const toolCall = { toolCallId, title: command, kind: "execute", rawInput };
  return [
    { do: "update", update: { sessionUpdate: "tool_call", status: "pending", ...toolCall } },
    {
      ...{ do: "ask", toolCall },
      allowed: [{ do: "terminal", params: { command, cwd: place.project }, toolCallId }],
      refused: [end("failed")],
    },
  ];
}
