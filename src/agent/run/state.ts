import type { RunId } from "../../protocol/ids.ts";
import type { Delivery, Outcome, RunError } from "../../protocol/run.ts";

/**
 * The run lifecycle of one session: accepted → (queued | held) → active → completed, one active run at a time. Pure,
 * synchronous, total. `coordinator.ts` stores an effect in the same transaction as the state it leads to, and then
 * carries it out.
 */
export type RunQueue = {
  current: CurrentRun | null;
  /** Oldest first. `accepted`: runs next, once the canceled turn before it has settled. */
  waiting: readonly WaitingRun[];
  /** `paused`: after a restart, until a client is there. `closed`: nothing starts any more. */
  gate: "open" | "paused" | "closed";
};

export type CurrentRun = {
  run_id: RunId;
  /**
   * `opening`: its agent session is being opened; clients still see the run as accepted or queued. `unwinding`: its end
   * is published, but something it started is still alive.
   */
  phase: "opening" | "active" | "unwinding";
};
export type WaitingRun = { run_id: RunId; phase: "accepted" | "queued" | "held"; delivery: Delivery };

export type End = { outcome: Outcome; error?: RunError };

export type RunQueueEvent =
  | { type: "prompted"; run_id: RunId; delivery: Delivery }
  /** The agent session of the opening run is ready. */
  | { type: "opened"; run_id: RunId }
  /** The backend's turn has settled, by itself or after an abort. For an opening run: opening failed. */
  | { type: "settled"; run_id: RunId; end: End }
  /** The running turn takes in the steering prompts. */
  | {
      type: "step_began";
      run_id: RunId;
      /** The waiting runs for the same agent: no others can join its turn. */
      same_agent: readonly RunId[];
    }
  /** The result of `decideCancel`: affects exactly those runs, even if it is carried out late. */
  | ({ type: "canceled" } & CancelDecision)
  /** One run must end now with `end` (a permission nobody can give, a failing store). */
  | { type: "stopped"; run_id: RunId; end: End }
  | { type: "withdrawn"; run_id: RunId }
  | { type: "delivery_changed"; run_id: RunId; delivery: Delivery }
  | { type: "resumed" }
  /** These were active before a restart; all others wait. */
  | { type: "recovered"; interrupted: readonly RunId[] }
  /** A client is there again after a restart. Prompts that waited too long are held instead of run. */
  | { type: "attended"; expired: readonly RunId[] }
  /** The daemon stops: the active run ends, the queue is kept. */
  | { type: "shut" }
  /** The session closes: everything ends. */
  | { type: "closed" }
  /** A closed workspace was opened again. */
  | { type: "reopened" };

export type CancelScope = "all" | "active" | { run_id: RunId };

/** The runs that a cancel ends and those that it holds, oldest first. */
export type CancelDecision = { ends: readonly RunId[]; holds: readonly RunId[] };

export type RunEffect =
  /** Store and publish the run's new state. */
  | { do: "record"; run_id: RunId; state: "accepted" | "queued" | "held" | "active" }
  /** Store and publish the run's end: its last message, its row, `run.completed`. */
  | { do: "complete"; run_id: RunId; end: End }
  | { do: "open"; run_id: RunId }
  | { do: "run_turn"; run_id: RunId }
  /** Stop the work; `settled` must follow. */
  | { do: "abort"; run_id: RunId };

export type RunStep = { state: RunQueue; effects: readonly RunEffect[] };

export const idleQueue: RunQueue = { current: null, waiting: [], gate: "open" };

const canceled: End = { outcome: "canceled" };

/** The queue after a restart: nothing runs, unfinished prompts wait in their order. */
export const recoveredQueue = (waiting: readonly WaitingRun[]): RunQueue => ({
  current: null,
  waiting,
  gate: "paused",
});

export function stepRuns(state: RunQueue, event: RunQueueEvent): RunStep {
  const { current, waiting } = state;
  switch (event.type) {
    case "prompted": {
      const isNext = current?.phase !== "opening" && current?.phase !== "active" && !waiting.some(isRunnable);
      const phase = isNext ? "accepted" : "queued";
      const entry: WaitingRun = { run_id: event.run_id, phase, delivery: event.delivery };
      const recorded: RunStep = {
        state: { ...state, waiting: [...waiting, entry] },
        effects: [{ do: "record", run_id: event.run_id, state: phase }],
      };
      return startNext(recorded);
    }
    case "opened":
      if (!is(current, event.run_id, "opening")) return stay(state);
      return {
        state: { ...state, current: { run_id: event.run_id, phase: "active" } },
        effects: [
          { do: "record", run_id: event.run_id, state: "active" },
          { do: "run_turn", run_id: event.run_id },
        ],
      };
    case "settled": {
      if (current?.run_id !== event.run_id) return stay(state);
      const freed = { ...state, current: null };
      if (current.phase === "unwinding") return startNext(stay(freed));
      return startNext({ state: freed, effects: [{ do: "complete", run_id: event.run_id, end: event.end }] });
    }
    case "step_began": {
      if (!is(current, event.run_id, "active")) return stay(state);
      const folded = waiting.filter(
        ({ run_id, delivery, phase }) =>
          delivery === "steer" && phase === "queued" && event.same_agent.includes(run_id),
      );
      return {
        state: { ...state, waiting: waiting.filter((run) => !folded.includes(run)) },
        effects: folded.map(
          (run) => ({ do: "complete", run_id: run.run_id, end: { outcome: "steered" } }) as const,
        ),
      };
    }
    case "canceled":
      return cancel(state, event);
    case "stopped":
      if (current?.run_id !== event.run_id || current.phase === "unwinding") return stay(state);
      return unwind(state, event.end);
    case "withdrawn": {
      if (!waiting.some((run) => run.run_id === event.run_id)) return stay(state);
      return {
        state: { ...state, waiting: waiting.filter((run) => run.run_id !== event.run_id) },
        effects: [{ do: "complete", run_id: event.run_id, end: canceled }],
      };
    }
    case "delivery_changed":
      return stay({
        ...state,
        waiting: waiting.map((run) =>
          run.run_id === event.run_id ? { ...run, delivery: event.delivery } : run,
        ),
      });
    case "resumed": {
      const held = waiting.filter((run) => run.phase === "held");
      return startNext({
        state: {
          ...state,
          waiting: waiting.map((run) => (run.phase === "held" ? { ...run, phase: "queued" } : run)),
        },
        effects: held.map((run) => ({ do: "record", run_id: run.run_id, state: "queued" }) as const),
      });
    }
    case "recovered": {
      const next = waiting.filter((run) => run.phase === "accepted");
      return {
        state: {
          ...state,
          waiting: waiting.map((run) => (next.includes(run) ? { ...run, phase: "queued" } : run)),
        },
        effects: [
          ...event.interrupted.map(
            (run_id) => ({ do: "complete", run_id, end: { outcome: "interrupted" } }) as const,
          ),
          ...next.map((run) => ({ do: "record", run_id: run.run_id, state: "queued" }) as const),
        ],
      };
    }
    case "attended": {
      if (state.gate !== "paused") return stay(state);
      const expired = waiting.filter((run) => isRunnable(run) && event.expired.includes(run.run_id));
      return startNext({
        state: {
          ...state,
          gate: "open",
          waiting: waiting.map((run) => (expired.includes(run) ? hold(run) : run)),
        },
        effects: expired.map((run) => ({ do: "record", run_id: run.run_id, state: "held" }) as const),
      });
    }
    case "shut":
      return unwind({ ...state, gate: "closed" }, { outcome: "interrupted" });
    case "closed":
      return endAll({ ...state, gate: "closed" }, canceled);
    case "reopened":
      return state.gate === "closed" ? startNext(stay({ ...state, gate: "open" })) : stay(state);
  }
}

/**
 * Which runs a cancel affects. `all`: every run without an end. `active`: the active or opening run; queued ones are
 * held. A run: that one alone, wherever it stands; what waits goes on.
 */
export function decideCancel({ current, waiting }: RunQueue, scope: CancelScope): CancelDecision {
  const going = current === null || current.phase === "unwinding" ? [] : [current.run_id];
  const idsOf = (...phases: WaitingRun["phase"][]) =>
    waiting.filter(({ phase }) => phases.includes(phase)).map(({ run_id }) => run_id);
  if (typeof scope === "object") {
    const all = [...going, ...waiting.map(({ run_id }) => run_id)];
    return { ends: all.filter((id) => id === scope.run_id), holds: [] };
  }
  if (scope === "all") return { ends: [...going, ...idsOf("accepted", "queued", "held")], holds: [] };
  if (current === null) return { ends: [], holds: [] };
  return { ends: [...going, ...idsOf("accepted")], holds: idsOf("queued") };
}

/** The number of prompts that run before this one. */
export function queuePosition(state: RunQueue, runId: RunId): number {
  const index = state.waiting.findIndex((run) => run.run_id === runId);
  if (index < 0) return 0;
  const ahead = state.waiting.slice(0, index).filter(isRunnable).length;
  return ahead + (state.current === null || state.current.phase === "unwinding" ? 0 : 1);
}

const isRunnable = (run: WaitingRun) => run.phase !== "held";
const is = (current: CurrentRun | null, runId: RunId, phase: CurrentRun["phase"]) =>
  current?.run_id === runId && current.phase === phase;
const hold = (run: WaitingRun): WaitingRun => ({ ...run, phase: "held" });
const stay = (state: RunQueue): RunStep => ({ state, effects: [] });

/** Held prompts do not block others. */
function startNext({ state, effects }: RunStep): RunStep {
  if (state.current !== null || state.gate !== "open") return { state, effects };
  const next = state.waiting.find(isRunnable);
  if (next === undefined) return { state, effects };
  return {
    state: {
      ...state,
      current: { run_id: next.run_id, phase: "opening" },
      waiting: state.waiting.filter((run) => run !== next),
    },
    effects: [...effects, { do: "open", run_id: next.run_id }],
  };
}

/** The end is published at once. The session is free only when everything that the run started has ended. */
function unwind(state: RunQueue, end: End): RunStep {
  const { current } = state;
  if (current === null || current.phase === "unwinding") return stay(state);
  return {
    state: { ...state, current: { run_id: current.run_id, phase: "unwinding" } },
    effects: [
      { do: "complete", run_id: current.run_id, end },
      { do: "abort", run_id: current.run_id },
    ],
  };
}

function endAll(state: RunQueue, end: End): RunStep {
  const step = unwind(state, end);
  const waiting = state.waiting.map((run) => ({ do: "complete", run_id: run.run_id, end }) as const);
  return { state: { ...step.state, waiting: [] }, effects: [...step.effects, ...waiting] };
}

function cancel(state: RunQueue, { ends, holds }: CancelDecision): RunStep {
  const { current } = state;
  const step = current && ends.includes(current.run_id) ? unwind(state, canceled) : stay(state);
  const ended = state.waiting.filter(({ run_id }) => ends.includes(run_id));
  const held = state.waiting.filter((run) => isRunnable(run) && holds.includes(run.run_id));
  if (ended.length === 0 && held.length === 0) return step;
  return {
    state: {
      ...step.state,
      waiting: state.waiting
        .filter((run) => !ended.includes(run))
        .map((run) => (held.includes(run) ? hold(run) : run)),
    },
    effects: [
      ...step.effects,
      ...ended.map((run) => ({ do: "complete", run_id: run.run_id, end: canceled }) as const),
      ...held.map((run) => ({ do: "record", run_id: run.run_id, state: "held" }) as const),
    ],
  };
}
