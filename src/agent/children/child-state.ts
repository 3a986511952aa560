/**
 * The life of one agent's process: starting → live → (retiring | closing) → stopping → gone. Pure, synchronous, total;
 * `child.ts` does what an effect says.
 */
export type ChildState = {
  phase: ChildPhase;
  /** Those at work in it. */
  turns: number;
  /** Why it is ended as one that failed; null: it was not. The first reason counts. */
  failure: string | null;
  /** It is ended by us, for whatever reason. */
  wasTold: boolean;
  /** It had become ready: from then on its end is counted, and not by whoever waits for its start. */
  wasReady: boolean;
};

/**
 * `retiring`: nobody new, gone with its last turn. `closing`: its line is dead, most often because it is just exiting.
 * `stopping`: its processes are being ended. `exited`: it has gone, and what it said last is being read.
 */
export type ChildPhase = "starting" | "live" | "retiring" | "closing" | "stopping" | "exited" | "gone";

export type ChildEvent =
  | { type: "ready" }
  | { type: "turn_began" }
  | { type: "turn_ended" }
  | { type: "retired" }
  /** The line to it is dead. */
  | { type: "line_lost" }
  /** A while after that it still lives. */
  | { type: "line_stayed_lost" }
  /** It cannot be used any more, though it lives. */
  | { type: "failed"; why: string }
  /** `nicely`: by the end of its input first. */
  | { type: "stop"; nicely: boolean }
  | { type: "exited" }
  /** What it said last has been read, and what it left behind is dead. */
  | { type: "cleared" };

/** `crashed`: by itself. `stopped`: because it was told to. */
export type EndKind = "crashed" | "stopped";

export type ChildEffect =
  /** It takes nobody new from here on: said once to whoever hands it out. */
  | { do: "leave" }
  | { do: "wait_for_exit" }
  | { do: "end"; nicely: boolean }
  /** Reads to the end what it said, then ends what it left behind; `cleared` must follow. */
  | { do: "clear" }
  /** Its one end. `isCounted`: a crash of it is a failure in a row. */
  | { do: "gone"; kind: EndKind; failure: string | null; isCounted: boolean };

export type ChildStep = { state: ChildState; effects: readonly ChildEffect[] };

export const newChild: ChildState = {
  ...{ phase: "starting", turns: 0, failure: null, wasTold: false, wasReady: false },
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
      const left = leave({ ...state, phase: "retiring" }, phase);
      return state.turns > 0 ? left : also(left, (next) => end(next, true));
    }
    case "line_lost":
      if (phase !== "live" && phase !== "retiring") return stay(state);
      return also(leave({ ...state, phase: "closing" }, phase), (left) => ({
        state: left,
        effects: [{ do: "wait_for_exit" }],
      }));
    case "line_stayed_lost":
      return phase === "closing" ? end({ ...state, failure: "closed its output" }, false) : stay(state);
    case "failed":
      if (isOver || phase === "stopping") return stay(state);
      return end({ ...state, failure: event.why }, false);
    case "stop":
      return isOver || phase === "stopping" ? stay(state) : end(state, event.nicely);
    case "exited": {
      if (isOver) return stay(state);
      return also(leave({ ...state, phase: "exited" }, phase), (left) => ({
        state: left,
        effects: [{ do: "clear" }],
      }));
    }
    case "cleared": {
      if (phase !== "exited") return stay(state);
      const kind = isCrash(state) ? "crashed" : "stopped";
      const gone = { do: "gone", kind, failure: state.failure, isCounted: state.wasReady } as const;
      return { state: { ...state, phase: "gone" }, effects: [gone] };
    }
  }
}

const isCrash = ({ wasTold, failure }: ChildState): boolean => !wasTold || failure !== null;

/** It is dying by itself, and will be gone in a moment. */
export const isDying = (state: ChildState): boolean =>
  state.phase === "closing" || (state.phase === "exited" && state.wasReady && isCrash(state));

const stay = (state: ChildState): ChildStep => ({ state, effects: [] });
function also(first: ChildStep, then: (state: ChildState) => ChildStep): ChildStep {
  const next = then(first.state);
  return { state: next.state, effects: [...first.effects, ...next.effects] };
}
/** Only one that was handed out has to be taken back. */
const leave = (state: ChildState, before: ChildPhase): ChildStep => ({
  state,
  effects: before === "live" ? [{ do: "leave" }] : [],
});

function end(state: ChildState, nicely: boolean): ChildStep {
  return also(leave({ ...state, phase: "stopping", wasTold: true }, state.phase), (left) => ({
    state: left,
    effects: [{ do: "end", nicely }],
  }));
}
