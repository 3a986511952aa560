import { randomBytes } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import { orAborted } from "../../async/wait.ts";
import type { AgentLogin } from "../../protocol/agent.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { Backend, OpenedSession, Remembered, SessionContext } from "../backend.ts";
import type { Child, ChildRequest } from "../children/child.ts";
import { createChildren } from "../children/children.ts";
import { fingerprintOf, withoutHearth } from "../children/environment.ts";
import { createOpenings, NeedsOwnChild } from "../children/openings.ts";
import type { WarmKeeper } from "../children/warm-keeper.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import type { AgentFacts } from "../registry/probes.ts";
import { commandIn, type Launch } from "../registry/resolve-agent.ts";
import { type AcpConnection, connectAcp } from "./connection/connection.ts";
import { requestFailure, withoutLoginHint } from "./failure.ts";
import { authenticate, loginsOf } from "./login.ts";
import { createOpeningRequest } from "./opening-request.ts";
import { createRunningProbes, probeAcp } from "./probe.ts";
import { programVersion } from "./program-version.ts";
import { type Quirks, quirksOf } from "./quirks.ts";
import { isRefusal, rejectRefusal } from "./refusal.ts";
import { mcpServersFor } from "./session/mcp-servers.ts";
import { type AcpSession, createAcpSession } from "./session/session.ts";
import { at, textOf, type Wire } from "./wire.ts";

/** The same limit as for a start, because opening a conversation may start another process. */
const OPEN_TIMEOUT_MS = 120_000;
const STALL_NOTICE_MS = 15_000;

export type AcpDeps = {
  processes: ProcessSupervisor;
  warm: WarmKeeper;
  /** How to start the agent for that session now. Throws HearthError agent_unavailable. */
  launch(session: Pick<SessionContext, "session_id" | "agent" | "env">): Promise<Launch>;
  now(): number;
  /** hearth's own version, sent to agents. */
  version: string;
  startTimeoutMs?: number | undefined;
  openTimeoutMs?: number | undefined;
  stallNoticeMs?: number | undefined;
};

/** Where a conversation is opened, and with which MCP servers. */
type Place = { cwd: string; mcpServers: readonly Wire[] };

export type AcpBackend = Backend & {
  /**
   * Starts the agent if needed, and reads its version and options. null when a session preempted the probe: that
   * session reports the same facts. Throws HearthError, provider_auth when the agent needs a login.
   */
  probe(launch: Launch, root: string, signal: AbortSignal): Promise<AgentFacts | null>;
  /** The ways to log in that the agent names; it is started if needed. Throws HearthError. */
  logins(launch: Launch, root: string, signal: AbortSignal): Promise<AgentLogin[]>;
  /** Has the agent log in by itself. Throws provider_auth when it refuses. */
  authenticate(launch: Launch, root: string, id: string, signal: AbortSignal): Promise<void>;
  /** Somebody has logged in elsewhere: a process from before may not know of it, and takes no new turns. */
  loggedIn(launch: Launch, root: string): void;
};

/** Agents that speak the Agent Client Protocol. Sessions with the same environment and directory share a child. */
export function createAcpBackend(deps: AcpDeps): AcpBackend {
  const { processes, warm, now } = deps;
  const request = createOpeningRequest(deps.openTimeoutMs ?? OPEN_TIMEOUT_MS);
  const children = createChildren<AcpConnection>({
    processes,
    warm,
    now,
    startTimeoutMs: deps.startTimeoutMs,
  });
  const openings = createOpenings(children);
  const probes = createRunningProbes();
  /** By session: a notice that its next turn shows first. */
  const notices = new Map<string, string>();

  const keyOf = ({ command, env, mtimeMs }: Launch, root: string) =>
    fingerprintOf({ command, cwd: root, env, more: [String(mtimeMs)] });

  function requestOf(key: string, launch: Launch, root: string): ChildRequest<AcpConnection> {
    const { agent } = launch;
    const command = commandIn(launch, root);
    const quirks = quirksOf(agent, command[0]);
    const secret = quirks.passwordVariable;
    const env = withoutHearth(launch.env);
    if (secret !== null) env[secret] ??= randomBytes(24).toString("base64url");
    const { readsFiles, hidesVersion } = quirks;
    const { version } = deps;
    const { update = null } = launch;
    const program = { program: command[0], env, cwd: root, owner: `${agent}.version` };
    const askVersion = async () => (hidesVersion ? programVersion(processes, program) : null);
    return {
      ...{ key, agent, command, cwd: root, env, update },
      connect: (child) => connectAcp(child, { agent, readsFiles, version, now, update, askVersion }),
    };
  }

  /** The key of the child that the session would be started in now. */
  async function currentKey(
    { session_id, agent }: SessionContext,
    { root, env }: Pick<SessionContext, "root" | "env">,
  ) {
    try {
      return keyOf(await deps.launch({ session_id, agent, env }), root);
    } catch {
      return undefined; // it can no longer be started: opening it reports why
    }
  }

  async function open(context: SessionContext, signal: AbortSignal): Promise<OpenedSession> {
    const launch = await orAborted(deps.launch(context), signal);
    const shared = keyOf(launch, context.root);
    probes.preempt(shared);
    return openings.open(
      {
        key: (isAlone) => (isAlone ? ownKey(shared, context) : shared),
        request: (key) => requestOf(key, launch, context.root),
        openIn: (child, guarded) => openIn(child, guarded, launch),
      },
      context,
      signal,
    );
  }

  async function openIn(
    child: Child<AcpConnection>,
    context: SessionContext,
    launch: Launch,
  ): Promise<OpenedSession> {
    const { agent, root, session_id } = context;
    const { info } = child.connection;
    const fingerprint = `${keyOf(launch, root)} ${info.version ?? ""}`;
    if (info.version !== null) context.onEvent({ type: "version", version: info.version });
    const quirks = quirksOf(agent, launch.command[0]);
    const remembered = context.remembered?.fingerprint === fingerprint ? context.remembered : null;
    const servers = mcpServersFor(context.mcpServers ?? [], info.capabilities);
    if (servers.left.length > 0)
      notices.set(
        session_id,
        `${agent} takes no MCP servers at an address: ${servers.left.join(", ")} left out.`,
      );
    const session = createAcpSession({
      ...{ agent, context, child, quirks, fingerprint, processes, now },
      model: launch.model,
      login: launch.login,
      modes: launch.modes,
      stallNoticeMs: deps.stallNoticeMs ?? STALL_NOTICE_MS,
      async fitsIn(place) {
        const key = await currentKey(context, place);
        const hasSameServers = isDeepStrictEqual(place.mcpServers ?? [], context.mcpServers ?? []);
        return hasSameServers && key !== undefined && [key, ownKey(key, context)].includes(child.key);
      },
      takeNotice() {
        const notice = notices.get(session_id);
        notices.delete(session_id);
        return notice;
      },
      onAbandoned: () =>
        void notices.set(
          session_id,
          `The previous turn could not be stopped: other sessions use the same ${agent} process. It may still be running.`,
        ),
    });
    try {
      const place = { cwd: root, mcpServers: servers.sent };
      const resumed = remembered && (await resume(session, remembered, child, quirks, place, launch));
      return resumed ?? (await begin(session, child, place, launch));
    } catch (error) {
      if (error instanceof HearthError && error.code === "provider_auth")
        context.onEvent({ type: "login", reason: withoutLoginHint(error.message, launch.login) });
      throw error;
    }
  }

  /** Resumes an earlier conversation. undefined when the agent no longer has it, or cannot resume it safely. */
  async function resume(
    session: AcpSession,
    remembered: Remembered,
    child: Child<AcpConnection>,
    quirks: Quirks,
    place: Place,
    launch: Launch,
  ): Promise<OpenedSession | undefined> {
    const id = remembered.agent_session_id;
    const { connection } = child;
    const canResume = at(connection.info.capabilities, "sessionCapabilities", "resume") !== undefined;
    const canLoad = connection.info.capabilities["loadSession"] === true && quirks.canLoad;
    if (!canResume && !canLoad) return undefined;
    const detach = connection.attach(id, session.sink);
    try {
      // session/load replays the whole conversation; session/resume does not.
      const method = canResume ? "session/resume" : "session/load";
      const answer = await request(child, launch, method, { sessionId: id, ...place });
      return session.start(id, "resumed", answer);
    } catch (error) {
      detach();
      // The agent no longer knows it. A new conversation gets the transcript.
      if (requestFailure(error) !== undefined) return undefined;
      throw error;
    }
  }

  async function begin(
    session: AcpSession,
    child: Child<AcpConnection>,
    place: Place,
    launch: Launch,
  ): Promise<OpenedSession> {
    const { connection } = child;
    const hadCompany = connection.isShared;
    try {
      const { id, answer } = await connection.whileOpening(createSession(child, place, launch));
      return session.start(id, "new", answer);
    } catch (error) {
      if (!isRefusal(error) || !(hadCompany || connection.isShared)) throw error;
      // The agent holds only one session. A probe's session is closed for ours, any other stays.
      if (await probes.endedFor(child)) return begin(session, child, place, launch);
      throw new NeedsOwnChild(`${launch.agent} holds another session`, { cause: error });
    }
  }

  async function createSession(child: Child<AcpConnection>, place: Place, launch: Launch) {
    const work = request(child, launch, "session/new", place);
    const answer = await work.catch(rejectRefusal(launch));
    const id = textOf(at(answer, "sessionId"));
    if (id !== undefined) return { id, answer };
    throw new HearthError("agent_unavailable", `${launch.agent} made a session without an id; update it.`);
  }

  async function withChild<T>(
    launch: Launch,
    root: string,
    signal: AbortSignal,
    work: (connection: AcpConnection) => Promise<T>,
  ): Promise<T> {
    const { child, release } = await children.acquire(requestOf(keyOf(launch, root), launch, root), signal);
    return work(child.connection).finally(release);
  }

  return {
    kind: "acp",
    open,
    async probe(launch, root, signal) {
      const key = keyOf(launch, root);
      // The fix is shown next to the reason, not inside it.
      const asked = { ...launch, login: null };
      return probes.run(key, signal, async (preempted) => {
        const { child, release } = await children.acquire(requestOf(key, launch, root), signal);
        const { connection } = child;
        try {
          return await probeAcp(
            connection,
            () => createSession(child, { cwd: root, mcpServers: [] }, asked),
            preempted,
          );
        } catch (error) {
          if (isRefusal(error) && connection.isShared) return { facts: null, hasRoom: false };
          throw error;
        } finally {
          release();
          // It was started for this probe alone.
          if (connection.sessions() === 0 && child.activeTurns === 0) await child.stop();
        }
      });
    },
    logins: (launch, root, signal) =>
      withChild(launch, root, signal, async (connection) => loginsOf(connection, launch, root)),
    authenticate: (launch, root, id, signal) =>
      withChild(launch, root, signal, (connection) => authenticate(connection, launch.agent, id, signal)),
    loggedIn: (launch, root) => children.retire(keyOf(launch, root)),
    async close() {
      await children.close();
    },
  };
}

/** The key of a child that serves one session only. */
const ownKey = (shared: string, { session_id }: Pick<SessionContext, "session_id">): string =>
  `${shared} ${session_id}`;
