import { inBackground, notMissed } from "../../async/in-background.ts";
import type { OpenedSession, SessionContext, Turn, TurnHost, TurnResult } from "../backend.ts";
import type { Child, ChildEnd } from "../children/child.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import type { Launch } from "../registry/resolve-agent.ts";
import { type Choices, choicesOf } from "./choices.ts";
import { ClientRefusal } from "./client-files.ts";
import { createClientTerminals } from "./client-terminals.ts";
import type { AcpConnection, SessionSink } from "./connection.ts";
import { createMeter } from "./meter.ts";
import { outcomeOf } from "./outcome.ts";
import { promptBlocks } from "./prompt-blocks.ts";
import type { Quirks } from "./quirks.ts";
import {
  isListening,
  newSession,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  stepSession,
  type TurnEnd,
} from "./session-state.ts";
import { createSettings, hearOfSession } from "./settings.ts";
import { untilQuiet, watchSilence } from "./silence.ts";
import { type CurrentTurn, createRunningTurn } from "./turn.ts";
import { createTurnErrors } from "./turn-errors.ts";
import { endTurn, isWork } from "./update-mapper.ts";
import { at, textOf, type Wire } from "./wire.ts";

const CLOSE_TIMEOUT_MS = 3000;
const INVALID_REQUEST = -32600;
const KEPT_MAX = 1000;

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
  const errors = createTurnErrors({ agent, child, login: deps.login, onEvent });
  let sessionId = "";
  let life: SessionState = newSession;
  let current: CurrentTurn | undefined;
  /** It knows what was said so far: it has been told, or was there. */
  let isInformed = false;
  /** What was said without a turn, for the one that will tell it. */
  let kept: Wire[] = [];

  function dispatch(event: SessionEvent) {
    const { state, effects } = stepSession(life, event);
    life = state;
    for (const effect of effects) if (current !== undefined) perform(effect, current);
    return effects;
  }

  function perform(effect: SessionEffect, mine: CurrentTurn) {
    const fail = (error: unknown) => {
      mine.error = error;
      if (current === mine) dispatch({ type: "failed" }); // else the turn was given up
    };
    if (effect.do === "prepare") inBackground(() => prepare(mine), fail);
    else if (effect.do === "follow") inBackground(() => follow(mine), fail);
    else if (effect.do === "refuse") mine.end.resolve({ kind: "quiet" });
    else if (effect.do === "send_prompt") sendPrompt(mine);
    else if (effect.do === "send_cancel") {
      connection.notify("session/cancel", { sessionId });
      // What it had us run is ours to end; it may be waiting for just that. The turn's end waits for it.
      inBackground(() => processes.stopOwner(mine.turn.run_id), notMissed);
    } else if (effect.do === "settle") mine.end.resolve(effect.end);
  }

  function update(said: Wire) {
    if (life.session === "gone" || hearOfSession(said, { settings, meter, onEvent })) return;
    // While an old conversation is told again, and behind a turn that was stopped, words are nobody's.
    if (!isListening(life) && life.rest !== "awake" && !isWork(said)) return;
    for (const effect of dispatch({ type: "word" })) {
      if (effect.do === "hear") current?.running?.update(said);
      else if (kept.length < KEPT_MAX) kept.push(said);
      if (effect.do === "keep" && isWork(said)) onEvent({ type: "works_on" });
    }
  }

  async function request(method: string, params: Wire, taken: AbortSignal): Promise<unknown> {
    if (current?.running !== undefined) return current.running.request(method, params, taken);
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
    await settings.apply(sessionId, turn.model ?? deps.model, turn);
    const commands = settings.choices.commands.map(({ name }) => name);
    mine.prompt = await promptBlocks(turn, root, connection.info.capabilities, commands);
    if (current === mine) dispatch({ type: "prepared" });
  }

  const runningTurn = ({ turn, host, signal }: CurrentTurn) =>
    createRunningTurn({ agent, turn, host, signal, root, model: settings.choices.model, terminals, now });

  /** Tells what the agent does by itself, until it is quiet. */
  async function follow(mine: CurrentTurn): Promise<void> {
    const { signal, turn, host } = mine;
    const running = runningTurn(mine);
    mine.running = running;
    // What it missed of others is still to be told.
    if (turn.handover === null) host.emit({ type: "prompted" });
    for (const said of kept) running.update(said);
    kept = [];
    await untilQuiet(running, AbortSignal.any([signal, turn.goesOn ?? signal]));
    dispatch({ type: "quiet" });
  }

  function sendPrompt(mine: CurrentTurn) {
    const { host, prompt } = mine;
    kept = [];
    mine.running = runningTurn(mine);
    host.emit({ type: "prompted" });
    isInformed = true;
    connection.request("session/prompt", { sessionId, prompt }).then(
      (response) => {
        if (current !== mine) return; // the answer to one that was given up
        mine.response = response;
        // A dying agent may still say that its turn was canceled: nobody here did that.
        const wasCut = at(response, "stopReason") === "cancelled" && child.isDying;
        dispatch({ type: "answered", wasCut });
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
      case "cut":
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
    child.proved();
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

  /** A canceled turn takes with it what it had us run, and what its agent left running by itself. */
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
      dispatch({ type: "opened" });
      isInformed = kind === "resumed";
      const opened: Choices = choicesOf(settings.choices, answer);
      settings.open(opened, kind === "new");
      const detach = connection.attach(id, { update, request });
      meter.start(kind === "new" ? null : context.remembered?.reported_cost);
      inBackground(async () => onGone(await child.gone), notMissed);
      remember();
      return {
        get kind() {
          return isInformed ? "resumed" : "new";
        },
        isWarm: () => life.session === "open" && child.isUsable,
        isUsable: (place) => life.session === "open" && child.isUsable && deps.fitsIn(place),
        runTurn,
        async kill() {
          if (child.activeTurns > 1) {
            // Others are at work there: this conversation is left to itself, and loaded in a fresh child.
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
