import { randomBytes } from "node:crypto";
import { ignoreError, inBackground } from "../../async/in-background.ts";
import { orAborted, settlesWithin } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { Backend, OpenedSession, SessionContext } from "../backend.ts";
import type { Child, ChildRequest } from "../children/child.ts";
import { createChildren } from "../children/children.ts";
import { fingerprintOf, withoutHearth } from "../children/environment.ts";
import { createOpenings } from "../children/openings.ts";
import type { WarmKeeper } from "../children/warm-keeper.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { commandIn, type Launch } from "../registry/resolve-agent.ts";
import { withContextUsage } from "../run/context-usage.ts";
import { asRunFailure } from "./failure.ts";
import { createMessageIds } from "./message-ids.ts";
import { createMessageOwners } from "./message-owners.ts";
import { namedMode, namedModel } from "./named-model.ts";
import { type OpencodeOptions, readOptions } from "./opencode-options.ts";
import { connectServer, freePort, type OpencodeServer } from "./server.ts";
import { runTurn } from "./turn.ts";

export type OpencodeDeps = {
  processes: ProcessSupervisor;
  warm: WarmKeeper;
  /** How to start the agent for that session now. Throws HearthError agent_unavailable. */
  launch(session: Pick<SessionContext, "session_id" | "agent" | "env">): Promise<Launch>;
  now(): number;
  startTimeoutMs?: number | undefined;
};

export type OpencodeBackend = Backend & {
  /** Starts opencode if needed, and reads its version and options. Throws HearthError. */
  probe(launch: Launch, root: string, signal: AbortSignal): Promise<OpencodeOptions & { version: string }>;
};

/** Bounds the opening as a whole; each call to the server has its own limit. */
const OPEN_MS_MAX = 120_000;

/** `opencode serve`: one child for each environment and directory, one opencode session for each hearth session. */
export function createOpencodeBackend(deps: OpencodeDeps): OpencodeBackend {
  const { processes, warm, now, startTimeoutMs } = deps;
  const children = createChildren<OpencodeServer>({ processes, warm, now, startTimeoutMs });
  const openings = createOpenings(children);
  const newMessageId = createMessageIds(now);

  const keyOf = ({ command, env, mtimeMs }: Launch, root: string) =>
    fingerprintOf({ command, cwd: root, env: withoutHearth(env), more: [String(mtimeMs)] });

  async function requestOf(launch: Launch, root: string): Promise<ChildRequest<OpencodeServer>> {
    const { agent } = launch;
    const password = randomBytes(24).toString("base64url");
    const port = await freePort();
    return {
      key: keyOf(launch, root),
      agent,
      command: [...commandIn(launch, root), "serve", "--hostname", "127.0.0.1", "--port", String(port)],
      cwd: root,
      env: {
        ...withoutHearth(launch.env),
        OPENCODE_SERVER_PASSWORD: password,
        OPENCODE_SERVER_USERNAME: "opencode",
        OPENCODE_DISABLE_AUTOUPDATE: "1",
      },
      connect: (child, until) => connectServer({ agent, directory: root, password }, child, until),
    };
  }

  async function openIn(
    child: Child<OpencodeServer>,
    context: SessionContext,
    launch: Launch,
  ): Promise<OpenedSession> {
    const { agent, root, remembered } = context;
    const signal = AbortSignal.timeout(OPEN_MS_MAX);
    const fingerprint = `${keyOf(launch, root)} ${child.connection.version}`;
    context.onEvent({ type: "version", version: child.connection.version });
    const known = remembered?.fingerprint === fingerprint ? remembered.agent_session_id : null;
    const isThere = known !== null && (await hasSession(child.connection, known, signal));
    const session_id = isThere ? known : await newSession(agent, child.connection, signal);
    if (!isThere) context.remember({ agent_session_id: session_id, fingerprint });
    const wasLost = known !== null && !isThere;
    return openedSession({
      deps,
      context,
      child,
      key: keyOf(launch, root),
      keyOf,
      session_id,
      model: launch.model,
      newMessageId,
      isThere,
      wasLost,
      stopIfUnused,
    });
  }

  /** Stops a child that no session uses. */
  async function stopIfUnused(child: Child<OpencodeServer>): Promise<void> {
    if (child.isUsable && child.connection.listening === 0 && child.activeTurns === 0) await child.stop();
  }

  return {
    kind: "opencode",
    async open(context, signal) {
      const launch = await orAborted(deps.launch(context), signal);
      return openings.open(
        {
          key: () => keyOf(launch, context.root),
          request: () => requestOf(launch, context.root),
          openIn: (child, guarded) => openIn(child, guarded, launch).catch(crashOf(child)),
        },
        context,
        signal,
      );
    },
    async probe(launch, root, signal) {
      const { child, release } = await children.acquire(await requestOf(launch, root), signal);
      try {
        const { version } = child.connection;
        return { version, ...(await readOptions(child.connection, signal)) };
      } finally {
        release();
        // It may have been started for this probe alone.
        await stopIfUnused(child);
      }
    },
    close: () => children.close(),
  };
}

type OpenedParts = {
  deps: OpencodeDeps;
  context: SessionContext;
  child: Child<OpencodeServer>;
  key: string;
  keyOf(launch: Launch, root: string): string;
  session_id: string;
  /** The model from the configuration. */
  model: string | null;
  newMessageId(): string;
  /** opencode still has the session from before. */
  isThere: boolean;
  /** There was a session before, and opencode no longer has it. */
  wasLost: boolean;
  stopIfUnused(child: Child<OpencodeServer>): Promise<void>;
};

function openedSession(parts: OpenedParts): OpenedSession {
  const { deps, context, child, session_id } = parts;
  const { agent, root } = context;
  const background = new AbortController();
  let notice = parts.wasLost
    ? {
        code: "session_lost",
        text: `${agent} no longer has its session: it was given the conversation so far.`,
      }
    : null;
  /** opencode knows the conversation so far. */
  let isInformed = parts.isThere;
  /** Settles the running turn by force. */
  let force = new AbortController();
  let title = "";
  const owners = createMessageOwners({ session_id, onOwnWork: () => context.onEvent({ type: "works_on" }) });
  const stopListening = child.connection.listen({
    event(event) {
      if (event.type === "message.updated" && event.properties.info.role === "assistant")
        owners.turnOf(event.properties.info, false);
      if (event.type !== "session.updated" || event.properties.info.id !== session_id) return;
      const said = event.properties.info.title;
      // opencode's placeholder title.
      if (said === title || /^New session - \d{4}-/.test(said)) return;
      title = said;
      context.onEvent({ type: "title", title });
    },
    missed() {},
  });
  inBackground(async () => {
    const { kind, message } = await child.gone;
    background.abort();
    stopListening();
    context.onEvent(kind === "crashed" ? { type: "crashed", message: `${message}.` } : { type: "cooled" });
  }, ignoreError);
  inBackground(async () => {
    const { model, models, modes, commands } = await readOptions(child.connection, background.signal);
    context.onEvent({ type: "models", models, current: model });
    context.onEvent({ type: "modes", modes, current: modes[0]?.id ?? null });
    context.onEvent({ type: "commands", commands });
  }, ignoreError); // the picker stays empty; the next prompt reports what is wrong

  return {
    get kind() {
      return isInformed ? "resumed" : "new";
    },
    isWarm: () => child.isUsable,
    async isUsable({ root: wanted, env }) {
      if (!child.isUsable || wanted !== root) return false;
      try {
        const launch = await deps.launch({ session_id: context.session_id, agent, env });
        return child.isUsable && parts.keyOf(launch, root) === parts.key;
      } catch {
        return false; // it can no longer be started: opening it reports why
      }
    },
    async runTurn(turn, host, signal) {
      const endTurn = child.beginTurn();
      force = new AbortController();
      const until = AbortSignal.any([signal, force.signal]);
      try {
        const name = turn.model ?? parts.model;
        const model = name === null ? null : await namedModel(agent, child.connection, name, until);
        const mode = await namedMode(agent, child.connection, turn, until);
        const shownNotice = notice;
        notice = null;
        const message_id = turn.goesOn === undefined ? parts.newMessageId() : null;
        const place = {
          ...{ agent, session_id, message_id, owners, root, child, model, mode },
          ...{ notice: shownNotice, now: deps.now() },
        };
        const result = await runTurn(place, turn, withContextUsage(host, context), signal, force.signal);
        if (result.outcome === "error" && result.error.code === "provider_auth")
          context.onEvent({ type: "login", reason: result.error.message });
        else if (result.outcome === "end_turn") context.onEvent({ type: "login", reason: null });
        if (result.outcome !== "error") {
          child.markHealthy();
          isInformed = true;
        }
        return result;
      } catch (error) {
        if (until.aborted) return { outcome: "canceled" };
        return { outcome: "error", error: asRunFailure(agent, error) };
      } finally {
        endTurn();
      }
    },
    async kill() {
      // Other sessions have turns in it: it takes no new ones, and ends with its last turn.
      if (child.activeTurns > 1) child.retire();
      else await child.kill();
      force.abort();
    },
    async close() {
      background.abort();
      stopListening();
      await parts.stopIfUnused(child);
    },
  };
}

/** How long a child's exit may follow the call that failed because of it. */
const GONE_MS_MAX = 2000;

/** Reports the child's crash, if that is why a call failed. */
const crashOf =
  (child: Child<OpencodeServer>) =>
  async (error: unknown): Promise<never> => {
    if (child.isUsable || !(await settlesWithin(child.gone, GONE_MS_MAX))) throw error;
    throw new HearthError("agent_crashed", `${(await child.gone).message}.`, { cause: error });
  };

async function hasSession(server: OpencodeServer, id: string, signal: AbortSignal): Promise<boolean> {
  const { status } = await server.call("GET", `/session/${encodeURIComponent(id)}`, undefined, signal);
  return status === 200;
}

async function newSession(agent: string, server: OpencodeServer, signal: AbortSignal): Promise<string> {
  const { status, json } = await server.call("POST", "/session", {}, signal);
  const id = typeof json === "object" && json !== null && "id" in json ? json.id : undefined;
  if (status === 200 && typeof id === "string") return id;
  throw new HearthError("agent_unavailable", `${agent} could not create a session: it answered ${status}.`);
}
