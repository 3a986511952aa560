// Long because one closure owns a session's queue and everything that may change it.
import { HearthError } from "../../protocol/errors.ts";
import type { MessageId, NewId, RunId, SessionId } from "../../protocol/ids.ts";
import type { Message } from "../../protocol/message.ts";
import { messageText } from "../../protocol/message-text.ts";
import type { PromptReply } from "../../protocol/routes/runs.ts";
import type { Delivery } from "../../protocol/run.ts";
import type { Usage } from "../../protocol/usage.ts";
import type { Backend, OpenedSession, SessionContext, Turn, TurnHost } from "../backend.ts";
import type { PersonAnswer, PersonQuestion } from "../permission/person-question.ts";
import type { PermissionRequest } from "../permission/request.ts";
import type { SubagentEnd, SubagentTask } from "../subagent.ts";
import { type AcceptedPrompt, isOwnRun, ownPrompt } from "./accepted-prompt.ts";
import { type Change, createRunBook } from "./book.ts";
import { budgetError, noBudgets, type RunBudgets } from "./budget.ts";
import { askedToKeep, lastChange, withoutChange } from "./context-changes.ts";
import { createTurnHost, type RunBudget, type RunVerdict } from "./host.ts";
import type { Ledger, LedgerTx } from "./ledger.ts";
import { createRunLoop, type PendingEvent, type Written } from "./loop.ts";
import type { RunRecord } from "./record.ts";
import { type ActiveRun, asRunError, createRun } from "./run.ts";
import {
  type CancelScope,
  decideCancel,
  idleQueue,
  queuePosition,
  type RunEffect,
  type RunQueue,
  type RunQueueEvent,
  recoveredQueue,
  stepRuns,
} from "./state.ts";
import { noTurnFiles, type TurnFiles, type TurnFilesNotice } from "./turn-files.ts";
import { createWarmSessions } from "./warm-sessions.ts";

/** After a restart, a prompt that waited longer than this without a client is held (design G12). */
const UNATTENDED_MAX_MS = 10 * 60_000;

export type CoordinatorDeps = {
  session_id: SessionId;
  ledger: Ledger;
  /** Throws HearthError agent_unavailable, config_invalid. */
  backend(agent: string): Backend;
  /** Checks the session's folder before a run. Throws not_a_directory, folder_unresponsive, the signal's reason. */
  reach(signal: AbortSignal): Promise<void>;
  /** What a backend opens its session with: the run's model, mode and environment over the session's. */
  contextOf(run: RunRecord): SessionContext;
  /** The conversation since this agent's last turn, for it to read. */
  handover(run: RunRecord, opened: OpenedSession, transcript: readonly Message[]): string | null;
  authorize(run: RunRecord, request: PermissionRequest, signal: AbortSignal): Promise<RunVerdict>;
  /** Asks a person what no rule can decide. */
  ask(run: RunRecord, question: PersonQuestion, signal: AbortSignal): Promise<PersonAnswer>;
  /** Lets a sub-agent do a task; null: the run is ending. */
  delegate(
    run: RunRecord,
    task: SubagentTask,
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<SubagentEnd | null>;
  /** The limits of a run's usage. */
  budget(): RunBudget;
  /** What the run may use in money and time; without limits by default. */
  budgets?(run: RunRecord): RunBudgets;
  /** Watches over the files of the run's turn; by default nobody does. */
  files?(run: RunRecord, tell: (notice: TurnFilesNotice) => void): TurnFiles;
  /** Logs a bug, or a failure that nobody waits for. */
  report(message: string, cause: unknown): void;
  /** Called after every change: an idle daemon exits. */
  onChange(): void;
  /** Changes wait for the store because of `error`; null: they wait no longer. */
  onStoreAway(error: HearthError | null): void;
  newId: NewId;
  now(): Date;
  /** Milliseconds that only ever rise. */
  monotonicMs(): number;
};

export type Coordinator = ReturnType<typeof createCoordinator>;

/** Carries out what `stepRuns` decides for one session: stores it, publishes it, then acts. */
export function createCoordinator(deps: CoordinatorDeps) {
  const { session_id, ledger, now, monotonicMs } = deps;
  let queue: RunQueue = idleQueue;
  let active: ActiveRun | null = null;
  const warm = createWarmSessions({ backend: deps.backend, report: deps.report });
  const idleWaiters = new Set<() => void>();
  /** Aborts when a prompt waits behind a run that an agent started by itself. */
  let yieldToPrompt = new AbortController();
  /** The agent that began to work by itself while the session was not free for it. */
  let waking: string | null = null;
  const book = createRunBook({ session_id, ledger, newId: deps.newId, now, monotonicMs });
  const loop = createRunLoop({
    carryOut,
    report: deps.report,
    onWaiting: (error) => afterwards(() => deps.onStoreAway(error)),
    onRest: wakeIfIdle,
  });

  const runtimeOf = (state: RunQueue) => ({
    running: state.current !== null && state.current.phase !== "unwinding",
    queued: state.waiting.length,
  });
  const isIdle = () => queue.current === null && loop.isEmpty();

  /** Stores, publishes, then acts. If it throws (store_unavailable, or a bug), nothing has changed. */
  function carryOut(
    { event, by }: PendingEvent,
    written: Written,
    extra: { prompt?: string; write?: (tx: LedgerTx) => Change | null } = {},
  ): readonly RunEffect[] {
    const { state, effects } = stepRuns(queue, event);
    if (state === queue && effects.length === 0 && !extra.write) return effects;
    const isSynced = event.type === "prompted" || effects.some((effect) => effect.do === "complete");
    const write = (tx: LedgerTx) => {
      const first = extra.write?.(tx) ?? null;
      const rest = effects.map((effect) => book.write(tx, effect, { by, storedOnly: written === "stored" }));
      const used = rest.find((change) => change?.used)?.used;
      tx.sessionChanged({
        ...runtimeOf(state),
        ...(extra.prompt === undefined ? {} : { prompt: extra.prompt }),
        ...(used === undefined ? {} : { used }),
      });
      return [first, ...rest];
    };
    const changes = written === "nothing" ? [] : ledger.commit(isSynced ? "synced" : "relaxed", write);
    queue = state;
    for (const change of changes) change?.apply();
    if (written === "nothing")
      for (const effect of effects) if (effect.do === "complete") book.discard(effect.run_id);
    for (const effect of effects) controlActiveRun(effect);
    afterwards(deps.onChange);
    return effects;
  }

  /** For a client's request: done now or not at all. Throws store_unavailable, and any bug. */
  const carryOutNow = (
    event: RunQueueEvent,
    by: string | null = null,
    extra?: Parameters<typeof carryOut>[2],
  ) => carryOut({ event, by }, "all", extra);

  /** Runs what follows a stored change. Its failure cannot undo the change. */
  function afterwards(act: () => void) {
    try {
      act();
    } catch (error) {
      deps.report("what follows a change of a run failed", error);
    }
  }

  function wakeIfIdle() {
    if (!isIdle()) return;
    for (const wake of idleWaiters) wake();
    if (waking !== null) startOwnRun(waking);
  }

  /** Starts or stops the active run's work. If that fails, the run ends with an error. */
  function controlActiveRun(effect: RunEffect) {
    try {
      if (effect.do === "open") {
        active = begin(effect.run_id);
        active.open();
      } else if (effect.do === "run_turn" && active?.run_id === effect.run_id) active.runTurn();
      else if (effect.do === "abort" && active?.run_id === effect.run_id) active.stop();
    } catch (error) {
      const end = { outcome: "error", error: asRunError(error, deps.report) } as const;
      loop.post({ type: "settled", run_id: effect.run_id, end });
    }
  }

  function begin(id: RunId): ActiveRun {
    const { run } = book.entryOf(id);
    // A prompt for the agent comes before the agent's own run.
    if (waking === run.agent) waking = null;
    const files =
      deps.files?.(run, (notice) => {
        if (mine.isRunning) mine.recorder.record({ type: "notice", ...notice });
      }) ?? noTurnFiles;
    const mine = createRun({
      run_id: id,
      files,
      changesFilesUnasked: deps.backend(run.agent).kind !== "native",
      recorder: book.begin(id, (error) => {
        if (!mine.isRunning) return;
        mine.stop();
        const end = { outcome: "error", error: asRunError(error, deps.report) } as const;
        loop.post({ type: "stopped", run_id: id, end });
      }),
      async open(signal) {
        await book.readAhead();
        await deps.reach(signal);
        mustHaveBudget(run);
        return warm.take(withOwnRuns(deps.contextOf(run)), signal);
      },
      turn(session) {
        const context = deps.contextOf(run);
        return { turn: turnOf(run, context, session), host: hostOf(mine, run, files) };
      },
      onOpened: () => loop.post({ type: "opened", run_id: id }),
      onSettled: (end) => loop.post({ type: "settled", run_id: id, end }),
      onGivenUp: (session) => warm.giveUp(run.agent, session),
      report: deps.report,
    });
    return mine;
  }

  /** hearth's own agent asks by itself; any other must not even begin. */
  function mustHaveBudget(run: RunRecord) {
    if (deps.backend(run.agent).kind === "native") return;
    const over = deps.budgets?.(run).over(0) ?? null;
    if (over !== null) throw new HearthError("budget_reached", budgetError(over).message);
  }

  const withOwnRuns = (context: SessionContext): SessionContext => ({
    ...context,
    onEvent(event) {
      if (event.type === "works_on") startOwnRun(context.agent);
      else context.onEvent(event);
    },
  });

  /** Starts a run for what an agent does by itself, unless the session is busy. */
  function startOwnRun(agent: string) {
    const isFree = isIdle() && queue.gate === "open";
    waking = isFree ? null : agent;
    if (!isFree) return;
    const run_id = deps.newId("run");
    yieldToPrompt = new AbortController();
    try {
      loop.ask(() =>
        carryOutNow({ type: "prompted", run_id, delivery: "queue" }, null, {
          write(tx) {
            book.insert(tx, ownPrompt(run_id, agent));
            return null;
          },
        }),
      );
    } catch (error) {
      book.discard(run_id);
      deps.report("what an agent does by itself could not be recorded", error);
    }
  }

  const waitingFor = (agent: string) =>
    queue.waiting.filter(({ run_id }) => book.find(run_id)?.agent === agent);

  function turnOf(run: RunRecord, context: SessionContext, session: OpenedSession): Turn {
    const { message, attachments } = book.entryOf(run.id);
    const keep = askedToKeep(message);
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
      ...(isOwnRun(run) ? { goesOn: yieldToPrompt.signal } : {}),
      ...(keep === undefined ? {} : { compact: { keep } }),
    };
  }

  function hostOf(mine: ActiveRun, run: RunRecord, files: TurnFiles): TurnHost {
    return createTurnHost({
      run: mine,
      authorize: (request, signal) => deps.authorize(run, request, signal),
      ask: (question, signal) => deps.ask(run, question, signal),
      delegate: (task, onProgress, signal) => deps.delegate(run, task, onProgress, signal),
      history: book.history,
      isSteered: () =>
        waitingFor(run.agent).some(({ delivery, phase }) => delivery === "steer" && phase === "queued"),
      steer() {
        const folded = loop.ask(() => {
          const same_agent = waitingFor(run.agent).map(({ run_id }) => run_id);
          return carryOutNow({ type: "step_began", run_id: run.id, same_agent });
        });
        const ids = new Set(folded.map(({ run_id }) => run_id));
        return book.history().filter(({ run_id, role }) => role === "user" && ids.has(run_id));
      },
      budget: deps.budget,
      budgets: deps.budgets?.(run) ?? noBudgets,
      files,
      canPause: deps.backend(run.agent).kind === "native",
      stop: (error) => loop.post({ type: "stopped", run_id: run.id, end: { outcome: "error", error } }),
      report: deps.report,
    });
  }

  /** A client is there again: resumes a queue that was paused by a restart. */
  function attend() {
    if (queue.gate !== "paused") return;
    const oldest = now().getTime() - UNATTENDED_MAX_MS;
    const expired = queue.waiting
      .map((run) => run.run_id)
      .filter((id) => Date.parse(book.entryOf(id).run.accepted_at) < oldest);
    loop.post({ type: "attended", expired });
  }

  /** A prompt for one agent cannot join the turn of another. */
  const deliveryFor = (agent: string, wanted: Delivery): Delivery =>
    agent === busyAgent() ? wanted : "queue";

  /** The present reply to an accepted prompt. */
  function replyFor(id: RunId, messageId: MessageId): PromptReply {
    const state = book.find(id)?.state;
    const shown = state === "held" ? "queued" : state === "queued" || state === "active" ? state : "accepted";
    return { run_id: id, message_id: messageId, state: shown, queue_position: queuePosition(queue, id) };
  }

  /** Throws run_started. Call it after overdue events were carried out: they may have started the run. */
  function mustNotHaveStarted(id: RunId) {
    if (queue.waiting.some((run) => run.run_id === id)) return;
    throw new HearthError("run_started", "This prompt can no longer be changed: its run has started.");
  }

  const busyAgent = (): string | null =>
    queue.current?.phase === "active" ? (book.find(queue.current.run_id)?.agent ?? null) : null;

  return {
    replyFor,
    attend,

    /** When it returns, prompt and run are on disk. If it throws store_unavailable, nothing was stored. */
    accept(prompt: AcceptedPrompt): PromptReply {
      attend();
      const message_id = loop.ask(() => {
        let messageId: MessageId | undefined;
        const accepted = { ...prompt, delivery: deliveryFor(prompt.agent, prompt.delivery) };
        try {
          carryOutNow({ type: "prompted", run_id: prompt.run_id, delivery: accepted.delivery }, prompt.by, {
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
        return messageId;
      });
      yieldToPrompt.abort();
      return replyFor(prompt.run_id, message_id);
    },

    /**
     * Cancels exactly the runs it returns, even if the store accepts the change late: it decides on the published
     * state, and goes before events that are not published yet. The work stops at once. Never throws.
     */
    cancel(scope: CancelScope, by: string | null): { canceled: RunId[]; held: RunId[] } {
      const decided = loop.decided().reduce((state, event) => stepRuns(state, event).state, queue);
      const { ends, holds } = decideCancel(decided, scope);
      if (ends.length + holds.length > 0)
        loop.decide({ type: "canceled", ends, holds }, by, () => {
          if (active !== null && ends.includes(active.run_id)) active.stop();
        });
      return { canceled: [...ends], held: [...holds] };
    },

    /** Whether the run can still be changed or withdrawn. */
    isWaiting: (id: RunId): boolean => queue.waiting.some((run) => run.run_id === id),

    edit: (id: RunId, changes: { prompt?: string | undefined; delivery?: Delivery | undefined }): RunRecord =>
      loop.ask(() => {
        mustNotHaveStarted(id);
        const { run } = book.entryOf(id);
        const delivery = deliveryFor(run.agent, changes.delivery ?? run.delivery);
        carryOutNow({ type: "delivery_changed", run_id: id, delivery }, null, {
          write: (tx) => book.writeEdit(tx, id, { prompt: changes.prompt, delivery }),
        });
        return book.entryOf(id).run;
      }),

    withdraw: (id: RunId, by: string | null) =>
      loop.ask(() => {
        mustNotHaveStarted(id);
        carryOutNow({ type: "withdrawn", run_id: id }, by);
      }),

    /** Takes back what was last left out of what the model is sent. Undefined if nothing is. Only while idle. */
    undoContextChange(): Message | undefined {
      const last = lastChange(book.history(), "compacted", "pruned");
      if (last === undefined) return undefined;
      const message = withoutChange(last, now().toISOString());
      ledger.commit("synced", (tx) => tx.putMessage("message.updated", message));
      book.forgetHistory();
      return message;
    },

    /** Messages before the present ones were taken back or brought back: the agents begin with what is left. */
    async historyChanged() {
      book.forgetHistory();
      if (active === null || !active.isRunning) await warm.reset();
    },

    resume(): RunId[] {
      attend();
      return loop
        .ask(() => carryOutNow({ type: "resumed" }))
        .filter((effect) => effect.do === "record")
        .map((effect) => effect.run_id);
    },

    /** The daemon stops: ends the active run and keeps the queue. Wait for `whenIdle` afterwards. */
    shut: () => loop.decide({ type: "shut" }, null, () => active?.stop()),
    /** The workspace closes or the session is deleted: everything ends. If it throws store_unavailable, nothing has. */
    close: (by: string | null) => void loop.ask(() => carryOutNow({ type: "closed" }, by)),
    reopen: () => loop.post({ type: "reopened" }),

    /** Nothing runs, is being stopped, or waits for the store. */
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
    /** What the active run has used so far. */
    spent: (): { usage: Usage; cost: number } | null =>
      active === null ? null : { usage: active.recorder.usage, cost: active.recorder.cost },
    /** Unfinished runs in the order of acceptance. */
    unfinished: (): RunRecord[] =>
      [queue.current, ...queue.waiting].flatMap((entry) => (entry ? (book.find(entry.run_id) ?? []) : [])),
    /** The agent whose turn is running. */
    busyAgent,
    /** The active run and its agent, for the log. */
    runningName(): string | null {
      const run = queue.current && book.find(queue.current.run_id);
      return run ? `${run.id} (${run.agent})` : null;
    },
    warmth: (agent: string): "running" | "warm" | null =>
      busyAgent() === agent ? "running" : warm.isWarm(agent) ? "warm" : null,
    /** Closes the warm agent sessions. Call it only while idle. */
    async release() {
      book.forgetHistory();
      await warm.release();
    },

    /** The store closes. Events that still wait for it are dropped; the next start recovers their runs. */
    abandon: () => loop.close(),

    /** After a restart: ends active runs, keeps queued ones. `stored`: all unfinished runs, oldest first. */
    recover(stored: readonly { run: RunRecord; messages: readonly Message[] }[]) {
      for (const { run, messages } of stored) book.adopt(run, messages);
      const interrupted = stored.filter(({ run }) => run.state === "active").map(({ run }) => run.id);
      queue = recoveredQueue(
        stored.flatMap(({ run: { id, state, delivery } }) =>
          state === "active" || state === "completed" ? [] : [{ run_id: id, phase: state, delivery }],
        ),
      );
      loop.post({ type: "recovered", interrupted });
    },
  };
}
