/**
 * The state of one agent process: starting → live → (retiring | closing) → stopping → gone. Pure, synchronous, total;
 * `child.ts` performs the effects.
 */
export type ChildState = {
  phase: ChildPhase;
  /** Turns that run in it. */
  turns: number;
  /** Why hearth ends it as failed; null if it does not. The first reason counts. */
  failure: string | null;
  /** hearth ends it, for whatever reason. */
  wasEndedByUs: boolean;
  /** It was ready once, so a crash counts as a failure. Whoever waits for its start counts an earlier one. */
  wasReady: boolean;
};

/**
 * `retiring`: takes no new turns, ends with its last one. `closing`: its connection is lost, usually because it is just
 * exiting. `stopping`: its processes are being ended. `exited`: its last output is being read.
 */
export type ChildPhase = "starting" | "live" | "retiring" | "closing" | "stopping" | "exited" | "gone";

export type ChildEvent =
  | { type: "ready" }
  | { type: "turn_began" }
  | { type: "turn_ended" }
  | { type: "retired" }
  /** The connection to it is lost. */
  | { type: "connection_lost" }
  /** It is still alive a while after that. */
  | { type: "exit_overdue" }
  /** It is alive but unusable. */
  | { type: "failed"; why: string }
  /** `isGraceful`: close its input first. */
  | { type: "stop"; isGraceful: boolean }
  | { type: "exited" }
  /** Its last output has been read, and the processes that it left behind are dead. */
  | { type: "cleaned_up" };

/** `crashed`: it ended by itself, or failed. `stopped`: hearth ended it. */
export type EndKind = "crashed" | "stopped";

export type ChildEffect =
  /** It is no longer handed out. Sent once. */
  | { do: "withdraw" }
  | { do: "wait_for_exit" }
  | { do: "end"; isGraceful: boolean }
  /** Reads the rest of its output, then ends what it left behind; `cleaned_up` must follow. */
  | { do: "clean_up" }
  /** Sent once. `isCounted`: a crash counts as a failure. */
  | { do: "gone"; kind: EndKind; failure: string | null; isCounted: boolean };

export type ChildStep = { state: ChildState; effects: readonly ChildEffect[] };

export const newChild: ChildState = {
  ...{ phase: "starting", turns: 0, failure: null, wasEndedByUs: false, wasReady: false },
};

export function stepChild(state: ChildState, event: ChildEvent): ChildStep {
  const { phase } = state;
  const isOver = phase === "exited" || phase === "gone";
  switch (event.type) {
    case "ready":
      return phase === "starting" ? stay({ ...state, phase: "live", wasReady: true }) : stay(state);
    case "turn_began":
      return stay({ ...state, turns: state.turns + 1 });
    case "turn_ended": {
      if (state.turns === 0) return stay(state);
      const next = { ...state, turns: state.turns - 1 };
      return phase === "retiring" && next.turns === 0 ? end(next, true) : stay(next);
    }
    case "retired": {
      if (phase !== "live") return stay(state);
      const left = withdraw({ ...state, phase: "retiring" }, phase);
      return state.turns > 0 ? left : chain(left, (next) => end(next, true));
    }
    case "connection_lost":
      if (phase !== "live" && phase !== "retiring") return stay(state);
      return chain(withdraw({ ...state, phase: "closing" }, phase), (left) => ({
        state: left,
        effects: [{ do: "wait_for_exit" }],
      }));
    case "exit_overdue":
      return phase === "closing" ? end({ ...state, failure: "closed its output" }, false) : stay(state);
    case "failed":
      if (isOver || phase === "stopping") return stay(state);
      return end({ ...state, failure: event.why }, false);
    case "stop":
      return isOver || phase === "stopping" ? stay(state) : end(state, event.isGraceful);
    case "exited": {
      if (isOver) return stay(state);
      return chain(withdraw({ ...state, phase: "exited" }, phase), (left) => ({
        state: left,
        effects: [{ do: "clean_up" }],
      }));
    }
    case "cleaned_up": {
      if (phase !== "exited") return stay(state);
      const kind = isCrash(state) ? "crashed" : "stopped";
      const gone = { do: "gone", kind, failure: state.failure, isCounted: state.wasReady } as const;
      return { state: { ...state, phase: "gone" }, effects: [gone] };
    }
  }
}

const isCrash = ({ wasEndedByUs, failure }: ChildState): boolean => !wasEndedByUs || failure !== null;

/** It is exiting by itself, and will be gone in a moment. */
export const isDying = (state: ChildState): boolean =>
  state.phase === "closing" || (state.phase === "exited" && state.wasReady && isCrash(state));

const stay = (state: ChildState): ChildStep => ({ state, effects: [] });
function chain(first: ChildStep, then: (state: ChildState) => ChildStep): ChildStep {
  const next = then(first.state);
  return { state: next.state, effects: [...first.effects, ...next.effects] };
}
/** Only a live child is handed out. */
const withdraw = (state: ChildState, before: ChildPhase): ChildStep => ({
  state,
  effects: before === "live" ? [{ do: "withdraw" }] : [],
});

function end(state: ChildState, isGraceful: boolean): ChildStep {
  return chain(withdraw({ ...state, phase: "stopping", wasEndedByUs: true }, state.phase), (left) => ({
    state: left,
    effects: [{ do: "end", isGraceful }],
  }));
}
