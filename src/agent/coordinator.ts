// Long because one closure owns a session's queue, and everything that may change it stands in it.
import { HearthError } from "../protocol/errors.ts";
import type { MessageId, NewId, RunId, SessionId } from "../protocol/ids.ts";
import { type Message, messageText } from "../protocol/message.ts";
import type { PermissionMode } from "../protocol/permission.ts";
import type { PromptReply } from "../protocol/routes.ts";
import type { Delivery } from "../protocol/run.ts";
import type { AcceptedPrompt } from "./accepted-prompt.ts";
import type { Backend, OpenedSession, SessionContext, Turn, TurnHost } from "./backend.ts";
import type { Ledger, LedgerTx } from "./ledger.ts";
import { createOverdueEvents } from "./overdue-events.ts";
import type { PermissionRequest } from "./permission/request.ts";
import type { Recorder } from "./recorder.ts";
import { type ActiveRun, createRun } from "./run.ts";
import { createRunBook, type Written } from "./run-book.ts";
import type { RunRecord } from "./run-record.ts";
import {
  idleQueue,
  queuePosition,
  type RunEffect,
  type RunQueue,
  type RunQueueEvent,
  recoveredQueue,
  stepRuns,
} from "./run-state.ts";
import { createTurnHost, type RunBudget, type RunVerdict } from "./turn-host.ts";
import { createWarmSessions } from "./warm-sessions.ts";

/** A prompt that waited longer than this for somebody to come back is held (design G12). */
const UNATTENDED_MAX_MS = 10 * 60_000;

export type CoordinatorDeps = {
  session_id: SessionId;
  ledger: Ledger;
  /** Throws HearthError agent_unavailable, config_invalid. */
  backend(agent: string): Backend;
  /** What a backend opens its counterpart with; the run's own model, mode and environment laid over the session's. */
  contextOf(run: RunRecord): SessionContext;
  /** What the run's agent missed since its own last turn. */
  handover(run: RunRecord, opened: OpenedSession, transcript: readonly Message[]): string | null;
  authorize(
    run: RunRecord,
    mode: PermissionMode,
    request: PermissionRequest,
    signal: AbortSignal,
  ): Promise<RunVerdict>;
  /** What a run may use. */
  budget(): RunBudget;
  /** A bug, or something that nobody waits for: written to the log. */
  report(message: string, cause: unknown): void;
  /** After every change: a daemon that idles exits. */
  onChange(): void;
  newId: NewId;
  now(): Date;
};

export type Coordinator = ReturnType<typeof createCoordinator>;

/** Carries out what `stepRuns` decides for one session: writes, publishes, then acts. */
export function createCoordinator(deps: CoordinatorDeps) {
  const { session_id, ledger, now } = deps;
  let queue: RunQueue = idleQueue;
  let active: ActiveRun | null = null;
  /** The recorder of a run that the last daemon left active, while its end is written. */
  let orphan: { run_id: RunId; recorder: Recorder } | null = null;
  const warm = createWarmSessions({ backend: deps.backend, report: deps.report });
  const idleWaiters = new Set<() => void>();

  const book = createRunBook({
    session_id,
    ledger,
    recorderOf: (id) => [active, orphan].find((owner) => owner?.run_id === id)?.recorder ?? null,
    onEnded(id) {
      if (active?.run_id === id) active.finish();
    },
    newId: deps.newId,
    now,
  });

  const runtimeOf = (state: RunQueue) => ({
    running: state.current !== null && state.current.phase !== "unwinding",
    queued: state.waiting.length,
  });
  const isIdle = () => queue.current === null && overdue.isEmpty();

  /** Writes, publishes, then acts. Throws store_unavailable, and then nothing has changed. */
  function dispatch(
    event: RunQueueEvent,
    by: string | null = null,
    extra: { prompt?: string; write?: (tx: LedgerTx) => Written | null } = {},
  ): readonly RunEffect[] {
    const { state, effects } = stepRuns(queue, event);
    if (state === queue && effects.length === 0 && !extra.write) return effects;
    const isSynced = event.type === "prompted" || effects.some((effect) => effect.do === "complete");
    const written = ledger.commit(isSynced ? "synced" : "relaxed", (tx) => {
      const first = extra.write?.(tx) ?? null;
      const rest = effects.map((effect) => book.write(tx, effect, by));
      const used = rest.find((change) => change?.used)?.used;
      tx.sessionChanged({
        ...runtimeOf(state),
        ...(extra.prompt === undefined ? {} : { prompt: extra.prompt }),
        ...(used === undefined ? {} : { used }),
      });
      return [first, ...rest];
    });
    queue = state;
    for (const change of written) change?.apply();
    for (const effect of effects) perform(effect);
    deps.onChange();
    wakeIfIdle();
    return effects;
  }

  const overdue = createOverdueEvents({
    dispatch: (event, by) => void dispatch(event, by),
    report: deps.report,
    onDrained: wakeIfIdle,
  });
  const { dispatchSurely } = overdue;

  function wakeIfIdle() {
    if (isIdle()) for (const wake of idleWaiters) wake();
  }

  function perform(effect: RunEffect) {
    if (effect.do === "open") {
      active = begin(effect.run_id);
      void active.open();
    } else if (effect.do === "run_turn" && active?.run_id === effect.run_id) void active.runTurn();
    else if (effect.do === "abort" && active?.run_id === effect.run_id) active.abort();
  }

  function begin(id: RunId): ActiveRun {
    const { run } = book.entryOf(id);
    const mine = createRun({
      run_id: id,
      recorder: book.newRecorder(run),
      open: (signal) => warm.take(deps.contextOf(run), signal),
      turn(session) {
        const context = deps.contextOf(run);
        return { turn: turnOf(run, context, session), host: hostOf(mine, run, context.mode) };
      },
      onOpened: () => dispatchSurely({ type: "opened", run_id: id }),
      onSettled: (end) => dispatchSurely({ type: "settled", run_id: id, end }),
      onGivenUp: (session) => warm.giveUp(run.agent, session),
      report: deps.report,
    });
    return mine;
  }

  const waitingFor = (agent: string) =>
    queue.waiting.filter(({ run_id }) => book.find(run_id)?.agent === agent);

  function turnOf(run: RunRecord, context: SessionContext, session: OpenedSession): Turn {
    const { message, attachments } = book.entryOf(run.id);
    return {
      run_id: run.id,
      prompt: messageText(message),
      attachments,
      model: context.model,
      mode: context.mode,
      agent_mode: context.agent_mode,
      env: context.env,
      max_steps: run.max_steps,
      handover: deps.handover(run, session, book.history()),
    };
  }

  function hostOf(mine: ActiveRun, run: RunRecord, mode: PermissionMode): TurnHost {
    return createTurnHost({
      run: mine,
      authorize: (request, signal) => deps.authorize(run, mode, request, signal),
      history: book.history,
      isSteered: () =>
        waitingFor(run.agent).some(({ delivery, phase }) => delivery === "steer" && phase === "queued"),
      steer() {
        const same_agent = waitingFor(run.agent).map(({ run_id }) => run_id);
        dispatch({ type: "step_began", run_id: run.id, same_agent });
      },
      budget: deps.budget,
      stop: (error) => dispatchSurely({ type: "stopped", run_id: run.id, end: { outcome: "error", error } }),
      report: deps.report,
    });
  }

  /** Somebody is there: what a restart had paused goes on. */
  function attend() {
    if (queue.gate !== "paused") return;
    const oldest = now().getTime() - UNATTENDED_MAX_MS;
    const expired = queue.waiting
      .map((run) => run.run_id)
      .filter((id) => Date.parse(book.entryOf(id).run.accepted_at) < oldest);
    dispatch({ type: "attended", expired });
  }

  /** A prompt for one agent cannot be folded into the turn of another. */
  const deliveryFor = (agent: string, wanted: Delivery): Delivery =>
    agent === busyAgent() ? wanted : "queue";

  /** The answer to an accepted prompt, as it stands now. */
  function replyFor(id: RunId, messageId: MessageId): PromptReply {
    const state = book.find(id)?.state;
    const told = state === "held" ? "queued" : state === "queued" || state === "active" ? state : "accepted";
    return { run_id: id, message_id: messageId, state: told, queue_position: queuePosition(queue, id) };
  }

  /** Throws run_started: what was overdue may have let it go. */
  function mustWait(id: RunId) {
    if (queue.waiting.some((run) => run.run_id === id)) return;
    throw new HearthError("run_started", "This prompt can no longer be changed: its run has started.");
  }

  const busyAgent = (): string | null =>
    queue.current?.phase === "active" ? (book.find(queue.current.run_id)?.agent ?? null) : null;

  return {
    replyFor,
    attend,

    /** When it returns, prompt and run are on the disk. Throws store_unavailable, and then there is no trace of it. */
    accept(prompt: AcceptedPrompt): PromptReply {
      overdue.settle();
      attend();
      let messageId: MessageId | undefined;
      try {
        const accepted = { ...prompt, delivery: deliveryFor(prompt.agent, prompt.delivery) };
        dispatch({ type: "prompted", run_id: prompt.run_id, delivery: accepted.delivery }, prompt.by, {
          prompt: prompt.prompt,
          write(tx) {
            messageId = book.insert(tx, accepted).id;
            return null;
          },
        });
      } catch (error) {
        book.discard(prompt.run_id);
        throw error;
      }
      if (messageId === undefined) throw new Error("a prompt was accepted without a message");
      return replyFor(prompt.run_id, messageId);
    },

    cancel(scope: "all" | "active", by: string | null): { canceled: RunId[]; held: RunId[] } {
      const event: RunQueueEvent = { type: "canceled", scope };
      const { effects } = stepRuns(queue, event);
      // The work stops even if the store cannot be told of it now.
      if (effects.some((effect) => effect.do === "abort")) active?.interrupt();
      dispatchSurely(event, by);
      return {
        canceled: effects.filter((effect) => effect.do === "complete").map((effect) => effect.run_id),
        held: effects.filter((effect) => effect.do === "record").map((effect) => effect.run_id),
      };
    },

    /** Whether the run can still be changed or withdrawn. */
    isWaiting: (id: RunId): boolean => queue.waiting.some((run) => run.run_id === id),

    edit(id: RunId, changes: { prompt?: string | undefined; delivery?: Delivery | undefined }): RunRecord {
      overdue.settle();
      mustWait(id);
      const { run } = book.entryOf(id);
      const delivery = deliveryFor(run.agent, changes.delivery ?? run.delivery);
      dispatch({ type: "delivery_changed", run_id: id, delivery }, null, {
        write: (tx) => book.writeEdit(tx, id, { prompt: changes.prompt, delivery }),
      });
      return book.entryOf(id).run;
    },

    withdraw(id: RunId, by: string | null) {
      overdue.settle();
      mustWait(id);
      dispatch({ type: "withdrawn", run_id: id }, by);
    },

    resume(): RunId[] {
      overdue.settle();
      attend();
      return dispatch({ type: "resumed" })
        .filter((effect) => effect.do === "record")
        .map((effect) => effect.run_id);
    },

    /** The daemon stops: the end of what runs is written, what waits is kept. `whenIdle` says when all is dead. */
    shut: () => dispatchSurely({ type: "shut" }),
    /** The workspace or the session goes: everything ends. */
    close: (by: string | null) => dispatchSurely({ type: "closed" }, by),
    reopen: () => dispatchSurely({ type: "reopened" }),

    /** Nothing runs, unwinds, or waits for the store. */
    isIdle,
    whenIdle(): Promise<void> {
      if (isIdle()) return Promise.resolve();
      return new Promise((resolve) => {
        const wake = () => {
          idleWaiters.delete(wake);
          resolve();
        };
        idleWaiters.add(wake);
      });
    },
    runtime: () => runtimeOf(queue),
    /** In the order they were accepted. */
    unfinished: (): RunRecord[] =>
      [queue.current, ...queue.waiting].flatMap((entry) => (entry ? (book.find(entry.run_id) ?? []) : [])),
    /** The agent whose turn is running. */
    busyAgent,
    /** For a log: which run, and whose. */
    runningName(): string | null {
      const run = queue.current && book.find(queue.current.run_id);
      return run ? `${run.id} (${run.agent})` : null;
    },
    warmth: (agent: string): "running" | "warm" | null =>
      busyAgent() === agent ? "running" : warm.isWarm(agent) ? "warm" : null,
    /** Ends what is warm; only while idle. */
    async release() {
      book.forgetHistory();
      await warm.release();
    },

    /** After a restart: ends what was active, keeps what waited. `stored`: every unfinished run, oldest first. */
    recover(stored: readonly { run: RunRecord; messages: readonly Message[] }[]) {
      for (const { run, messages } of stored) {
        const recorder = book.adopt(run, messages);
        if (run.state !== "active") continue;
        orphan = { run_id: run.id, recorder };
        queue = { current: { run_id: run.id, phase: "active" }, waiting: [], gate: "closed" };
        dispatch({ type: "settled", run_id: run.id, end: { outcome: "interrupted" } });
        orphan = null;
      }
      const waiting = stored.filter(({ run }) => run.state !== "active");
      queue = recoveredQueue(
        waiting.map(({ run }) => ({
          run_id: run.id,
          phase: run.state === "held" ? "held" : "queued",
          delivery: run.delivery,
        })),
      );
      const written = ledger.commit("synced", (tx) => {
        const fresh = waiting.filter(({ run }) => run.state === "accepted");
        const changes = fresh.map(({ run }) =>
          book.write(tx, { do: "record", run_id: run.id, state: "queued" }, null),
        );
        tx.sessionChanged(runtimeOf(queue));
        return changes;
      });
      for (const change of written) change?.apply();
    },
  };
}
