import { ignoreError, inBackground } from "../../../async/in-background.ts";
import type { OpenedSession, SessionContext, Turn, TurnHost, TurnResult } from "../../backend.ts";
import type { Child, ChildEnd } from "../../children/child.ts";
import type { ProcessSupervisor } from "../../process/types.ts";
import type { Launch } from "../../registry/resolve-agent.ts";
import { ClientRefusal } from "../client/files.ts";
import { createClientTerminals } from "../client/terminals.ts";
import type { AcpConnection, SessionSink } from "../connection/connection.ts";
import type { Quirks } from "../quirks.ts";
import { createTurnErrors } from "../turn/errors.ts";
import { outcomeOf } from "../turn/outcome.ts";
import { promptBlocks } from "../turn/prompt-blocks.ts";
import { type CurrentTurn, createRunningTurn } from "../turn/turn.ts";
import { endTurn, isWork } from "../turn/update-mapper.ts";
import { at, textOf, type Wire } from "../wire.ts";
import { type AgentOptions, optionsFrom } from "./agent-options.ts";
import { createMeter } from "./meter.ts";
import { applySessionUpdate, createSessionOptions } from "./options.ts";
import { untilQuiet, watchSilence } from "./silence.ts";
import {
  isListening,
  newSession,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  stepSession,
  type TurnEnd,
} from "./state.ts";

const CLOSE_TIMEOUT_MS = 3000;
const INVALID_REQUEST = -32600;
const BUFFERED_MAX = 1000;

export type AcpSessionDeps = {
  agent: string;
  quirks: Quirks;
  /** Used when the turn names none; null: the agent's default. */
  model: string | null;
  /** The command to log in to the agent. */
  login: string | null;
  /** The agent's mode for each of hearth's modes. */
  modes: Launch["modes"];
  context: SessionContext;
  child: Child<AcpConnection>;
  /** `context.remember` stores it with the id. */
  fingerprint: string;
  /** Whether the session would still be opened in the same child. */
  fitsIn(session: Pick<SessionContext, "root" | "env" | "mcpServers">): Promise<boolean>;
  processes: ProcessSupervisor;
  /** Silence after which a notice is shown. */
  stallNoticeMs: number;
  /** The notice that the next turn shows first. */
  takeNotice(): string | undefined;
  /** Its turn could not be stopped, and may still run in a child that other sessions use. */
  onAbandoned(): void;
  now(): number;
};

export type AcpSession = {
  /** Receives messages while the conversation is being opened. */
  readonly sink: SessionSink;
  /** From here on updates are processed. `answer`: the response to the request that opened the conversation. */
  start(id: string, kind: "resumed" | "new", answer: unknown): OpenedSession;
};

/** One hearth session in an agent: one conversation there, one turn at a time. */
export function createAcpSession(deps: AcpSessionDeps): AcpSession {
  const { agent, quirks, context, child, processes, now } = deps;
  const { connection } = child;
  const isKnownAgent = quirks.usage === "turn";
  const { onEvent, root } = context;
  const options = createSessionOptions({ agent, connection, agentModes: deps.modes, isKnownAgent, onEvent });
  const meter = createMeter(quirks.usage);
  const terminals = createClientTerminals(processes);
  const errors = createTurnErrors({ agent, child, login: deps.login, onEvent });
  let sessionId = "";
  let life: SessionState = newSession;
  let current: CurrentTurn | undefined;
  /** The agent knows the conversation so far. */
  let isInformed = false;
  /** Updates that came without a turn, for the turn that will report them. */
  let buffered: Wire[] = [];

  function dispatch(event: SessionEvent) {
    const { state, effects } = stepSession(life, event);
    life = state;
    for (const effect of effects) if (current !== undefined) perform(effect, current);
    return effects;
  }

  function perform(effect: SessionEffect, mine: CurrentTurn) {
    const fail = (error: unknown) => {
      mine.error = error;
      if (current === mine) dispatch({ type: "failed" }); // else the turn was abandoned
    };
    if (effect.do === "prepare") inBackground(() => prepare(mine), fail);
    else if (effect.do === "follow") inBackground(() => follow(mine), fail);
    else if (effect.do === "refuse") mine.end.resolve({ kind: "quiet" });
    else if (effect.do === "send_prompt") sendPrompt(mine);
    else if (effect.do === "send_cancel") {
      connection.notify("session/cancel", { sessionId });
      // The agent may be waiting for commands that hearth runs for it: end them.
      inBackground(() => processes.stopOwner(mine.turn.run_id), ignoreError);
    } else if (effect.do === "settle") mine.end.resolve(effect.end);
  }

  function onUpdate(update: Wire) {
    if (life.session === "gone" || applySessionUpdate(update, { options, meter, onEvent })) return;
    // Drops the replay of an old conversation, and what comes after a stopped turn.
    if (!isListening(life) && life.idle !== "working" && !isWork(update)) return;
    for (const effect of dispatch({ type: "work_update" })) {
      if (effect.do === "deliver") current?.running?.update(update);
      else if (buffered.length < BUFFERED_MAX) buffered.push(update);
      if (effect.do === "buffer" && isWork(update)) onEvent({ type: "works_on" });
    }
  }

  async function request(method: string, params: Wire, withdrawn: AbortSignal): Promise<unknown> {
    if (current?.running !== undefined) return current.running.request(method, params, withdrawn);
    if (method === "session/request_permission") return { outcome: { outcome: "cancelled" } };
    throw new ClientRefusal(INVALID_REQUEST, `${method}: no turn is running in this session`);
  }

  async function runTurn(turn: Turn, host: TurnHost, signal: AbortSignal): Promise<TurnResult> {
    if (signal.aborted) return { outcome: "canceled" };
    if (life.session !== "open" || current !== undefined)
      return { outcome: "error", error: await errors.ofRefusal() };
    const release = child.beginTurn();
    const mine: CurrentTurn = {
      turn,
      host,
      signal,
      end: Promise.withResolvers(),
      over: Promise.withResolvers(),
    };
    current = mine;
    const cancel = () => void dispatch({ type: "canceled" });
    signal.addEventListener("abort", cancel, { once: true });
    try {
      dispatch({ type: turn.goesOn === undefined ? "turn_began" : "follow" });
      return await resultOf(await mine.end.promise, mine);
    } finally {
      if (signal.aborted) await endWork(mine);
      signal.removeEventListener("abort", cancel);
      mine.stopWatching?.();
      current = undefined;
      release();
      mine.over.resolve();
    }
  }

  async function prepare(mine: CurrentTurn): Promise<void> {
    const { turn, host } = mine;
    const notice = deps.takeNotice();
    if (notice !== undefined) host.emit({ type: "notice", level: "warning", code: "agent", text: notice });
    await options.apply(sessionId, turn.model ?? deps.model, turn);
    const commands = options.current.commands.map(({ name }) => name);
    mine.prompt = await promptBlocks(turn, root, connection.info.capabilities, commands);
    if (current === mine) dispatch({ type: "prepared" });
  }

  const runningTurn = ({ turn, host, signal }: CurrentTurn) =>
    createRunningTurn({ agent, turn, host, signal, root, model: options.current.model, terminals, now });

  /** Reports the agent's own work until it goes quiet. */
  async function follow(mine: CurrentTurn): Promise<void> {
    const { signal, turn, host } = mine;
    const running = runningTurn(mine);
    mine.running = running;
    // `prompted` would mark the handover as delivered.
    if (turn.handover === null) host.emit({ type: "prompted" });
    for (const update of buffered) running.update(update);
    buffered = [];
    await untilQuiet(running, AbortSignal.any([signal, turn.goesOn ?? signal]));
    dispatch({ type: "quiet" });
  }

  function sendPrompt(mine: CurrentTurn) {
    const { host, prompt } = mine;
    buffered = [];
    mine.running = runningTurn(mine);
    host.emit({ type: "prompted" });
    isInformed = true;
    connection.request("session/prompt", { sessionId, prompt }).then(
      (response) => {
        if (current !== mine) return; // the response to an abandoned turn
        mine.response = response;
        // A dying agent may report "cancelled" though hearth did not cancel.
        const isCutShort = at(response, "stopReason") === "cancelled" && child.isDying;
        dispatch({ type: "answered", isCutShort });
      },
      (error: unknown) => {
        if (current !== mine) return;
        mine.error = error;
        dispatch({ type: "failed" });
      },
    );
    const { silentMs } = mine.running;
    mine.stopWatching = watchSilence({ agent, limitMs: deps.stallNoticeMs, silentMs, emit: host.emit });
  }

  async function resultOf(end: TurnEnd, mine: CurrentTurn): Promise<TurnResult> {
    mine.stopWatching?.();
    switch (end.kind) {
      case "canceled":
        return end.isAnswered ? finish(mine, "canceled") : { outcome: "canceled" };
      case "answered":
        return finish(mine, outcomeOf(textOf(at(mine.response, "stopReason"))));
      case "quiet":
        mine.running?.calls.apply(endTurn(mine.running.calls.state, "end_turn", undefined, 0));
        return { outcome: "end_turn" };
      case "cut_short":
        return { outcome: "error", error: await errors.ofCrash() };
      case "failed": {
        const error = await errors.of(mine.error);
        return mine.signal.aborted ? { outcome: "canceled" } : { outcome: "error", error };
      }
    }
  }

  function finish(
    { response, running }: CurrentTurn,
    outcome: Exclude<TurnResult["outcome"], "error">,
  ): TurnResult {
    child.markHealthy();
    const { usage, cost } = meter.end(response, outcome !== "canceled");
    running?.calls.apply(endTurn(running.calls.state, outcome, usage, cost));
    if (outcome !== "canceled") onEvent({ type: "login", reason: null });
    remember();
    return { outcome };
  }

  const remember = () =>
    context.remember({
      ...{ agent_session_id: sessionId, fingerprint: deps.fingerprint, reported_cost: meter.counted },
    });

  /** Ends the commands of a canceled turn: those that hearth ran for it, and those that the agent left running. */
  async function endWork({ turn, running }: CurrentTurn): Promise<void> {
    const since = life.session === "open" ? running?.calls.commandSince() : undefined;
    await Promise.all([
      processes.stopOwner(turn.run_id),
      since === undefined ? undefined : child.endCommandsSince(since),
    ]);
  }

  function onGone(end: ChildEnd) {
    if (!dispatch({ type: "child_gone" }).some((effect) => effect.do === "leave")) return;
    onEvent(end.kind === "crashed" ? { type: "crashed", message: `${end.message}.` } : { type: "cooled" });
  }

  async function close(): Promise<void> {
    const wasOpen = life.session === "open" && child.isUsable;
    dispatch({ type: "closed" });
    await terminals.close();
    if (!wasOpen) return;
    // The last session stops the child.
    if (connection.sessions() === 0 && child.activeTurns === 0) return child.stop();
    const canClose = at(connection.info.capabilities, "sessionCapabilities", "close") !== undefined;
    // Otherwise it ends with its child.
    if (canClose) await connection.request("session/close", { sessionId }, CLOSE_TIMEOUT_MS).catch(() => {});
  }

  return {
    sink: { update: onUpdate, request },
    start(id, kind, answer) {
      sessionId = id;
      dispatch({ type: "opened" });
      isInformed = kind === "resumed";
      const opened: AgentOptions = optionsFrom(options.current, answer);
      options.open(opened, kind === "new");
      const detach = connection.attach(id, { update: onUpdate, request });
      meter.start(kind === "new" ? null : context.remembered?.reported_cost);
      inBackground(async () => onGone(await child.gone), ignoreError);
      remember();
      return {
        get kind() {
          return isInformed ? "resumed" : "new";
        },
        isWarm: () => life.session === "open" && child.isUsable,
        isUsable: async (place) => (await deps.fitsIn(place)) && life.session === "open" && child.isUsable,
        runTurn,
        async kill() {
          if (child.activeTurns > 1) {
            // Other sessions use this child: abandon the conversation, and reopen it in a new child.
            detach();
            child.retire();
            deps.onAbandoned();
            dispatch({ type: "abandoned" });
          } else await child.kill();
          await Promise.allSettled([current?.over.promise, terminals.close()]);
        },
        async close() {
          detach();
          await close();
        },
      };
    },
  };
}
