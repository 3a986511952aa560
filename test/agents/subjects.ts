import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createAcpBackend } from "../../src/agent/acp/backend.ts";
import type { Backend } from "../../src/agent/backend.ts";
import { createNativeBackend } from "../../src/agent/native/backend.ts";
import { createOpencodeBackend } from "../../src/agent/opencode/backend.ts";
import type { ProcessSupervisor } from "../../src/agent/process/types.ts";
import type { Launch } from "../../src/agent/registry/resolve-agent.ts";
import { createTools } from "../../src/agent/tools/catalog.ts";
import { limitDefaults } from "../../src/protocol/config.ts";
import { type AgentTools, agentTools, createAgentModel } from "../support/agent-model.ts";
import type { BackendMeans, Place } from "../support/agent-world.ts";
import { localConfig, repository } from "../support/home.ts";
import { type ModelServer, type Piece, say, startModelServer } from "../support/model-server.ts";
import {
  agentPath,
  findRealAgent,
  type RealAgentName,
  realAgentEnv,
  realAgentFiles,
  whyMissing,
} from "../support/real-agents.ts";
import { type Deed as ScriptedDeed, startScriptedAcp } from "../support/scripted-acp.ts";

/** One thing that an agent, or the model behind it, does in a turn. */
export type Deed =
  | { say: string }
  | { think: string }
  | { write: string; content: string }
  | { shell: string }
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
  /** Backends for a daemon that has just started. */
  restarted(means: BackendMeans): Promise<Record<string, Backend>>;
  /** The next turn goes like this. */
  will(steps: Steps): void;
  /** Resolves when the agent, or the model behind it, has been asked for so many answers in all. */
  asked(count: number): Promise<unknown>;
  askedCount(): number;
  /** All that the agent, or the model behind it, was told last. */
  lastTold(): string;
  /** Of the agent, in the order they were started. */
  pids(): number[];
  /** How often hearth sent it that; undefined where it does not speak the protocol. */
  sent(method: string): number | undefined;
  close(): Promise<void>;
};

/** A backend that the suite is run over. */
export type Subject = {
  name: string;
  version: string;
  kind: "native" | "acp" | "opencode";
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
  titles: boolean;
  plans: boolean;
  modes: boolean;
  models: boolean;
  commands: boolean;
  start(means: BackendMeans, model: ModelServer): Promise<Running>;
};
export type Missing = { name: string; missing: string };

const tap = join(repository, "test/support/tap-acp.ts");

function launchOf(command: [string, ...string[]], env: Record<string, string>, askMode: string | null) {
  return (session: { agent: string; env: Readonly<Record<string, string>> }): Launch => ({
    ...{ agent: session.agent, backend: "acp", command, env: { ...session.env, ...env } },
    ...{ askMode, model: null, login: null, mtimeMs: 0 },
  });
}

/** What an agent's model is to say, in the agent's own tools. */
function piecesOf(deeds: readonly Deed[], tools: AgentTools, place: Place): Piece[] {
  return deeds.flatMap((deed): Piece[] => {
    if (deed === "hang") return [{ stop: "hang" }];
    if ("say" in deed) return [deed.say];
    if ("think" in deed) return [{ reasoning: deed.think }];
    if ("write" in deed) return [tools.write(join(place.project, deed.write), deed.content)];
    if ("shell" in deed) return [tools.shell(deed.shell)];
    if ("plan" in deed) return tools.plan ? [tools.plan(...deed.plan)] : [];
    // In time: some agents hear a cancel only between two words.
    return Array.from({ length: 400 }, (_, n): Piece[] => [
      `${deed.babble}${n} `,
      { until: new Promise((resolve) => setTimeout(resolve, 25 * n)) },
    ]).flat();
  });
}

/** An agent whose model is a script. */
function modelDriver(server: ModelServer, tools: AgentTools, place: Place) {
  const model = createAgentModel(server, tools.telltale, tools.aside);
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
  };
}

type RealOptions = Pick<
  Subject,
  | "tellsCache"
  | "thinks"
  | "counts"
  | "goesOnWhenDenied"
  | "hearsCancelInSilence"
  | "titles"
  | "plans"
  | "modes"
  | "commands"
> & { askMode: string | null; env?: Record<string, string> };

/** A real agent over ACP. Between it and hearth stands a relay that writes down what is sent. */
export function realAcp(
  name: RealAgentName & keyof typeof agentTools,
  options: RealOptions,
): Subject | Missing {
  const agent = findRealAgent(name);
  if (agent === undefined) return { name, missing: whyMissing(name) };
  return {
    ...options,
    name,
    version: agent.version,
    kind: "acp",
    models: true,
    async start({ place }, server) {
      settle(name, place);
      const log = join(place.base, "tap.jsonl");
      writeFileSync(log, "");
      const command: [string, ...string[]] = [process.execPath, tap, log, ...agent.command];
      const env = { ...realAgentEnv(name, server.origin), PATH: agentPath(), ...options.env };
      const launch = launchOf(command, env, options.askMode);
      const lines = () =>
        readFileSync(log, "utf8")
          .split("\n")
          .filter((line) => line !== "")
          .map((line) => JSON.parse(line) as { pid?: number; method?: string });
      return {
        agent: name,
        restarted: async ({ processes, warm, now }) => ({
          [name]: createAcpBackend({ processes, warm, now, launch, version: "0.1.0" }),
        }),
        ...modelDriver(server, agentTools[name], place),
        pids: () => lines().flatMap(({ pid }) => pid ?? []),
        sent: (method) => lines().filter((line) => line.method === method).length,
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
    name: "opencode serve",
    version: agent.version,
    kind: "opencode",
    tellsCache: true,
    thinks: true,
    counts: "turn",
    goesOnWhenDenied: true,
    hearsCancelInSilence: true,
    titles: true,
    plans: true,
    modes: true,
    models: true,
    commands: true,
    async start({ place }, server) {
      const pids: number[] = [];
      const env = {
        ...realAgentEnv("opencode", server.origin),
        PATH: agentPath(),
        OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask","webfetch":"ask"}',
      };
      const launch = launchOf([agent.program], env, null);
      return {
        agent: "opencode",
        async restarted({ processes, warm, now }) {
          const noted: ProcessSupervisor = {
            ...processes,
            async spawn(request) {
              const child = await processes.spawn(request);
              if (request.command.includes("serve")) pids.push(child.pid);
              return child;
            },
          };
          const serve = (at: Parameters<typeof launch>[0]): Launch => ({
            ...launch(at),
            backend: "opencode",
          });
          return { opencode: createOpencodeBackend({ processes: noted, warm, now, launch: serve }) };
        },
        ...modelDriver(server, agentTools.opencode, place),
        pids: () => pids,
        sent: () => undefined,
        close: async () => {},
      };
    },
  };
}

/** hearth's own agent. */
export function nativeBackend(
  { processes, now }: Pick<BackendMeans, "processes" | "now">,
  server: ModelServer,
): Backend {
  return createNativeBackend({
    settings: () => ({
      config: localConfig(server.baseUrl),
      providerEnv: { LOCAL_KEY: "dummy" },
      limits: limitDefaults,
    }),
    processes,
    tools: createTools(),
    now,
  });
}

export const native: Subject = {
  name: "hearth",
  version: "native",
  kind: "native",
  tellsCache: true,
  thinks: true,
  counts: "turn",
  goesOnWhenDenied: true,
  hearsCancelInSilence: true,
  titles: false,
  plans: false,
  modes: false,
  models: false,
  commands: false,
  async start(means, server) {
    return {
      agent: "hearth",
      restarted: async (anew) => ({ hearth: nativeBackend(anew, server) }),
      ...modelDriver(server, agentTools.hearth, means.place),
      pids: () => [],
      sent: () => undefined,
      close: async () => {},
    };
  },
};

/** An ACP agent of our own, that keeps to the protocol in every word. */
export const scripted: Subject = {
  name: "scripted",
  version: "1.0.0",
  kind: "acp",
  tellsCache: true,
  thinks: true,
  counts: "turn",
  goesOnWhenDenied: true,
  hearsCancelInSilence: true,
  titles: true,
  plans: true,
  modes: true,
  models: true,
  commands: true,
  async start({ place }) {
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
    const launch = launchOf(acp.command, acp.env, null);
    return {
      agent: "scripted",
      restarted: async ({ processes, warm, now }) => ({
        scripted: createAcpBackend({ processes, warm, now, launch, version: "0.1.0" }),
      }),
      will(steps) {
        acp.forgetTurns();
        acp.nextTurn({ deeds: [...scriptedDeeds(steps, place), endOf(steps)] });
      },
      asked: (count) => acp.asked("session/prompt", count),
      askedCount: () => acp.count("session/prompt"),
      lastTold: () => JSON.stringify(acp.paramsOf("session/prompt").at(-1) ?? {}),
      pids: acp.pids,
      sent: acp.count,
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
  if ("write" in deed) {
    const path = join(place.project, deed.write);
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
  const rawInput = { command: deed.shell };
  const toolCall = { toolCallId, title: deed.shell, kind: "execute", rawInput };
  return [
    { do: "update", update: { sessionUpdate: "tool_call", status: "pending", ...toolCall } },
    {
      ...{ do: "ask", toolCall },
      allowed: [{ do: "terminal", params: { command: deed.shell, cwd: place.project }, toolCallId }],
      refused: [end("failed")],
    },
  ];
}

/** Every agent that could be had, for one test of each claim. */
export const startModel = () => startModelServer({ isStrict: false });
