import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type {
  AgentSessionEvent,
  BackendEvent,
  OpenedSession,
  Remembered,
  SessionContext,
  Turn,
  TurnHost,
} from "../../src/agent/backend.ts";
import { createWarmKeeper } from "../../src/agent/children/warm-keeper.ts";
import { createOpencodeBackend } from "../../src/agent/opencode/backend.ts";
import type { PermissionRequest, Verdict } from "../../src/agent/permission/request.ts";
import { createProcessSupervisor } from "../../src/agent/process/supervisor.ts";
import type { RunId, SessionId } from "../../src/protocol/ids.ts";
import { agentTools, createAgentModel } from "./agent-model.ts";
import { noModes } from "./backend-plan.ts";
import { startModelServer } from "./model-server.ts";
import { agentPath, type RealAgent, realAgentEnv } from "./real-agents.ts";

let serial = 0;

/** The real opencode behind our backend, with a model server of the test's, in a home of its own. */
export async function openOpencodeBench(
  real: RealAgent,
  command: readonly [string, ...string[]] = [real.program],
) {
  const base = realpathSync(mkdtempSync(join(tmpdir(), "oc-")));
  const [home, root, run] = ["home", "project", "run"].map((name) => join(base, name)) as [
    string,
    string,
    string,
  ];
  for (const folder of [home, root, run]) mkdirSync(folder, { mode: 0o700 });
  const server = await startModelServer({ isStrict: false });
  const model = createAgentModel(server, agentTools.opencode);
  const supervisor = createProcessSupervisor({ recordDir: run });
  const pids: number[] = [];
  const processes: typeof supervisor = {
    ...supervisor,
    async spawn(request) {
      const child = await supervisor.spawn(request);
      pids.push(child.pid);
      return child;
    },
  };
  const warm = createWarmKeeper({ limits: () => ({ idle_evict_ms: 600_000, max_warm: 6 }), now: Date.now });
  const env = {
    PATH: agentPath(),
    HOME: home,
    TMPDIR: base,
    ...realAgentEnv("opencode", server.origin),
    OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask","webfetch":"ask"}',
  };
  const newBackend = () =>
    createOpencodeBackend({
      processes,
      warm,
      launch: async ({ agent }) => ({
        agent,
        backend: "opencode",
        command,
        env,
        modes: noModes,
        model: null,
        login: null,
        mtimeMs: 0,
      }),
      now: Date.now,
    });
  const backend = newBackend();
  onTestFinished(async () => {
    await backend.close();
    warm.close();
    await processes.close();
    await server.close();
    rmSync(base, { recursive: true, force: true, maxRetries: 5 });
  });

  function session(remembered: Remembered | null = null) {
    serial += 1;
    const told: AgentSessionEvent[] = [];
    const context: SessionContext = {
      session_id: `ses_${String(serial).padStart(32, "0")}` as SessionId,
      agent: "opencode",
      root,
      model: null,
      mode: "ask",
      agent_mode: null,
      env: {},
      remembered,
      remember(value) {
        context.remembered = value;
      },
      onEvent: (event) => void told.push(event),
    };
    return { context, told, open: () => backend.open(context, AbortSignal.timeout(60_000)) };
  }
  return { root, env, pids, server, model, backend, processes, session, tools: agentTools.opencode };
}

export type Played = {
  events: BackendEvent[];
  asked: PermissionRequest[];
  result: ReturnType<OpenedSession["runTurn"]>;
  cancel(): void;
  /** Resolves with the first event that fits, past or future. */
  until(fits: (event: BackendEvent) => boolean): Promise<BackendEvent>;
};

export function playTurn(
  opened: OpenedSession,
  prompt: string,
  options: {
    verdict?: (request: PermissionRequest, signal: AbortSignal) => Promise<Verdict>;
    turn?: Partial<Turn>;
  } = {},
): Played {
  serial += 1;
  const events: BackendEvent[] = [];
  const asked: PermissionRequest[] = [];
  const waiters = new Set<(event: BackendEvent) => void>();
  const controller = new AbortController();
  const host: TurnHost = {
    emit(...told) {
      events.push(...told);
      for (const event of told) for (const waiter of [...waiters]) waiter(event);
    },
    async authorize(request, signal) {
      asked.push(request);
      return options.verdict ? options.verdict(request, signal) : { decision: "allow" };
    },
    ask: async () => ({ kind: "nobody" }),
    delegate: async () => null,
    transcript: () => [],
    takeSteering: () => [],
  };
  const turn: Turn = {
    run_id: `run_${String(serial).padStart(32, "0")}` as RunId,
    prompt,
    attachments: [],
    model: null,
    mode: "ask",
    agent_mode: null,
    env: {},
    max_steps: null,
    handover: null,
    ...options.turn,
  };
  return {
    events,
    asked,
    result: opened.runTurn(turn, host, controller.signal),
    cancel: () => controller.abort(),
    until: (fits) =>
      new Promise((resolve) => {
        const found = events.find(fits);
        if (found !== undefined) return resolve(found);
        const waiter = (event: BackendEvent) => {
          if (!fits(event)) return;
          waiters.delete(waiter);
          resolve(event);
        };
        waiters.add(waiter);
      }),
  };
}

export const textIn = (events: readonly BackendEvent[]): string =>
  events.map((event) => (event.type === "text_delta" ? event.text : "")).join("");
