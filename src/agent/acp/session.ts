import { isTimeout } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { RunError } from "../../protocol/run.ts";
import type { OpenedSession, SessionContext, Turn, TurnHost, TurnResult } from "../backend.ts";
import type { Child, ChildEnd } from "../children/child.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import type { Launch } from "../registry/resolve-agent.ts";
import { type Choices, choicesOf } from "./choices.ts";
import { ClientRefusal } from "./client-files.ts";
import { createClientTerminals } from "./client-terminals.ts";
import type { AcpConnection, SessionSink } from "./connection.ts";
import { requestFailure, runErrorOf, withoutMend } from "./failure.ts";
import { createMeter } from "./meter.ts";
import { outcomeOf } from "./outcome.ts";
import { promptBlocks } from "./prompt-blocks.ts";
import type { Quirks } from "./quirks.ts";
import { createSettings } from "./settings.ts";
import { watchSilence } from "./silence.ts";
import { createRunningTurn, type RunningTurn } from "./turn.ts";
import { endTurn } from "./update-mapper.ts";
import { contextOfUpdate } from "./usage.ts";
import { at, textOf, type Wire } from "./wire.ts";

const CLOSE_TIMEOUT_MS = 3000;
const INVALID_REQUEST = -32600;

export type AcpSessionDeps = {
  agent: string;
  quirks: Quirks;
  /** The one to use when the turn names none; null: its own choice. */
  model: string | null;
  /** How a person logs in to it. */
  login: string | null;
  /** The one of its own modes that each of hearth's wants. */
  modes: Launch["modes"];
  context: SessionContext;
  child: Child<AcpConnection>;
  /** What `context.remember` stores next to the id. */
  fingerprint: string;
  /** Whether its child is still one that the session would be opened in. */
  fitsIn(session: Pick<SessionContext, "root" | "env">): boolean;
  processes: ProcessSupervisor;
  /** How long an agent may be silent before a person is told. */
  stallNoticeMs: number;
  /** What the next turn has to tell a person first. */
  takeNotice(): string | undefined;
  /** It could not be stopped, and goes on by itself in a child that others use. */
  onAbandoned(): void;
  now(): number;
};

export type AcpSession = {
  /** For what comes while the conversation is being opened. */
  readonly sink: SessionSink;
  /** From here on what the agent says counts. `answer`: what it said to the request that opened it. */
  start(id: string, kind: "resumed" | "new", answer: unknown): OpenedSession;
};

/** A session of hearth's in an agent: one conversation there, one turn at a time. */
export function createAcpSession(deps: AcpSessionDeps): AcpSession {
  const { agent, quirks, context, child, processes, now } = deps;
  const { connection } = child;
  const isKnown = quirks.usage === "turn";
  const { onEvent, root } = context;
  const settings = createSettings({ agent, connection, ownModes: deps.modes, isKnown, onEvent });
  const meter = createMeter(quirks.usage);
  const terminals = createClientTerminals(processes);
  let sessionId = "";
  let phase: "opening" | "open" | "gone" = "opening";
  let current: RunningTurn | undefined;
  let running: Promise<unknown> | undefined;
  let abandon = () => {};
  /** It knows what was said so far: it has been told, or was there. */
  let isInformed = false;

  function update(said: Wire) {
    if (phase === "gone") return;
    switch (said["sessionUpdate"]) {
      case "available_commands_update":
      case "current_mode_update":
      case "config_option_update":
        return settings.hear(said);
      case "session_info_update": {
        const title = textOf(said["title"])?.trim();
        if (title) onEvent({ type: "title", title });
        return;
      }
      case "usage_update": {
        meter.hear(said);
        const context = contextOfUpdate(said);
        if (context) onEvent({ type: "context", ...context, model: null });
        return;
      }
      default:
        // Between turns, and while an old conversation is told again, words are nobody's.
        if (phase === "open") current?.update(said);
    }
  }

  async function request(method: string, params: Wire, taken: AbortSignal): Promise<unknown> {
    if (current !== undefined) return current.request(method, params, taken);
    if (method === "session/request_permission") return { outcome: { outcome: "cancelled" } };
    throw new ClientRefusal(INVALID_REQUEST, `${method}: no turn is running in this session`);
  }

  async function runTurn(turn: Turn, host: TurnHost, signal: AbortSignal): Promise<TurnResult> {
    if (signal.aborted) return { outcome: "canceled" };
    const release = child.beginTurn();
    const abandoned = Promise.withResolvers<void>();
    abandon = abandoned.resolve;
    const work = attempt(turn, host, signal, abandoned.promise);
    running = work;
    try {
      return await work;
    } finally {
      current = undefined;
      release();
    }
  }

  async function attempt(
    turn: Turn,
    host: TurnHost,
    signal: AbortSignal,
    abandoned: Promise<void>,
  ): Promise<TurnResult> {
    const notice = deps.takeNotice();
    if (notice !== undefined) host.emit({ type: "notice", level: "warning", code: "agent", text: notice });
    let mine: RunningTurn | undefined;
    try {
      await settings.apply(sessionId, turn.model ?? deps.model, turn);
      const { choices } = settings;
      const commands = choices.commands.map(({ name }) => name);
      const prompt = await promptBlocks(turn, root, connection.info.capabilities, commands);
      if (signal.aborted) return { outcome: "canceled" };
      const { model } = choices;
      mine = createRunningTurn({ agent, turn, host, signal, root, model, terminals, now });
      current = mine;
      host.emit({ type: "prompted" });
      const answer = connection.request("session/prompt", { sessionId, prompt });
      isInformed = true;
      const response = await follow(answer, mine, turn, host, signal, abandoned);
      if (response === undefined) return { outcome: "canceled" };
      // A dying agent may still say that its turn was canceled: nobody here did that.
      const wasCut = at(response, "stopReason") === "cancelled" && child.isDying;
      if (wasCut && !signal.aborted) return { outcome: "error", error: await crashError() };
      return finish(response, mine, signal);
    } catch (error) {
      return signal.aborted ? { outcome: "canceled" } : { outcome: "error", error: await errorOf(error) };
    } finally {
      if (signal.aborted) await endWork(turn, mine);
    }
  }

  /** Waits for the response to the prompt; undefined when the session was given up before it came. */
  async function follow(
    answer: Promise<unknown>,
    mine: RunningTurn,
    turn: Turn,
    host: TurnHost,
    signal: AbortSignal,
    abandoned: Promise<void>,
  ): Promise<unknown> {
    const onAbort = () => {
      connection.notify("session/cancel", { sessionId });
      // What it had us run is ours to end; it may be waiting for just that.
      void processes.stopOwner(turn.run_id);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    const stopWatching = watchSilence({
      agent,
      limitMs: deps.stallNoticeMs,
      silentMs: mine.silentMs,
      emit: host.emit,
    });
    answer.catch(() => {}); // when the session is given up, nobody waits for it any more
    try {
      return await Promise.race([answer, abandoned]);
    } finally {
      stopWatching();
      signal.removeEventListener("abort", onAbort);
    }
  }

  function finish(response: unknown, mine: RunningTurn, signal: AbortSignal): TurnResult {
    child.proved();
    const outcome = signal.aborted ? "canceled" : outcomeOf(textOf(at(response, "stopReason")));
    const { usage, cost } = meter.end(response, !signal.aborted);
    mine.calls.apply(endTurn(mine.calls.state, outcome, usage, cost));
    if (outcome !== "canceled") onEvent({ type: "login", reason: null });
    remember();
    return { outcome };
  }

  function remember() {
    const { fingerprint } = deps;
    context.remember({ agent_session_id: sessionId, fingerprint, reported_cost: meter.counted });
  }

  async function errorOf(error: unknown): Promise<RunError> {
    if (error instanceof HearthError) return { code: error.code, message: error.message, retryable: false };
    const failure = requestFailure(error);
    if (failure !== undefined) {
      child.proved();
      const found = runErrorOf(agent, deps.login, failure);
      if (found.code === "provider_auth")
        onEvent({ type: "login", reason: withoutMend(found.message, deps.login) });
      return found;
    }
    if (isTimeout(error)) {
      // It answers nobody any more, unless others' turns still run there.
      if (child.activeTurns > 1) child.retire();
      else await child.kill();
      return { code: "agent_crashed", message: `${agent}: ${error.message}.`, retryable: true };
    }
    return crashError();
  }

  /** Its connection ended, and how the child did says more. */
  async function crashError(): Promise<RunError> {
    const { message } = await child.gone;
    return { code: "agent_crashed", message: `${message}.`, retryable: true };
  }

  /** A canceled turn takes with it what it had us run, and what its agent left running by itself. */
  async function endWork(turn: Turn, mine: RunningTurn | undefined): Promise<void> {
    const since = phase === "open" ? mine?.calls.commandSince() : undefined;
    await Promise.all([
      processes.stopOwner(turn.run_id),
      since === undefined ? undefined : child.endCommandsSince(since),
    ]);
  }

  function onGone(end: ChildEnd) {
    if (phase === "gone") return;
    phase = "gone";
    onEvent(end.kind === "crashed" ? { type: "crashed", message: `${end.message}.` } : { type: "cooled" });
  }

  async function close(): Promise<void> {
    const wasOpen = phase === "open" && child.isUsable;
    phase = "gone";
    await terminals.close();
    if (!wasOpen) return;
    // The last one out: nothing is kept warm for nobody.
    if (connection.sessions() === 0 && child.activeTurns === 0) return child.stop();
    const canClose = at(connection.info.capabilities, "sessionCapabilities", "close") !== undefined;
    // What cannot be closed goes with its child.
    if (canClose) await connection.request("session/close", { sessionId }, CLOSE_TIMEOUT_MS).catch(() => {});
  }

  return {
    sink: { update, request },
    start(id, kind, answer) {
      sessionId = id;
      phase = "open";
      isInformed = kind === "resumed";
      const opened: Choices = choicesOf(settings.choices, answer);
      settings.open(opened, kind === "new");
      const detach = connection.attach(id, { update, request });
      meter.start(kind === "new" ? null : context.remembered?.reported_cost);
      void child.gone.then(onGone);
      remember();
      return {
        get kind() {
          return isInformed ? "resumed" : "new";
        },
        isWarm: () => phase === "open" && child.isUsable,
        isUsable: (place) => phase === "open" && child.isUsable && deps.fitsIn(place),
        runTurn,
        async kill() {
          if (child.activeTurns > 1) {
            // Others are at work there: this conversation is left to itself, and loaded in a fresh child.
            phase = "gone";
            detach();
            child.retire();
            deps.onAbandoned();
            abandon();
          } else await child.kill();
          await Promise.allSettled([running, terminals.close()]);
        },
        async close() {
          detach();
          await close();
        },
      };
    },
  };
}
