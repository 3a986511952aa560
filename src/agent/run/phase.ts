import type { End } from "./state.ts";

/** Where the work of one run stands. Pure; `run.ts` carries out the effects. */
export type RunPhase =
  /** Its agent session is being made or taken up. */
  | "opening"
  /** The agent session is there; its turn begins when the run's start is written. */
  | "opened"
  | "running"
  /** It was told to stop, and has not settled yet. What it still says is nobody's. */
  | "stopping"
  /** Everything that the run started is dead, or was given up. */
  | "settled";

export type RunPhaseEvent =
  | { type: "opened" }
  | { type: "open_failed"; end: End }
  /** The run's start is written. */
  | { type: "begun" }
  | { type: "turn_ended"; end: End }
  | { type: "stopped" }
  /** It has not settled in time after it was stopped. */
  | { type: "timed_out" };

export type RunPhaseEffect =
  | { do: "tell_opened" }
  | { do: "run_turn" }
  /** Aborts the signal; `timed_out` follows unless it settles before. */
  | { do: "abort" }
  /** The agent session is ended by force. */
  | { do: "give_up" }
  /** The run's one answer to its session. */
  | { do: "settle"; end: End };

export type RunPhaseStep = { phase: RunPhase; effects: readonly RunPhaseEffect[] };

const canceled: End = { outcome: "canceled" };

export function stepRunPhase(phase: RunPhase, event: RunPhaseEvent): RunPhaseStep {
  const stay: RunPhaseStep = { phase, effects: [] };
  switch (phase) {
    case "opening":
      if (event.type === "opened") return { phase: "opened", effects: [{ do: "tell_opened" }] };
      if (event.type === "open_failed") return settle(event.end);
      return event.type === "stopped" ? stop : stay;
    case "opened":
      if (event.type === "begun") return { phase: "running", effects: [{ do: "run_turn" }] };
      // Nothing has begun that would have to end.
      return event.type === "stopped"
        ? { phase: "settled", effects: [{ do: "abort" }, { do: "settle", end: canceled }] }
        : stay;
    case "running":
      if (event.type === "turn_ended") return settle(event.end);
      return event.type === "stopped" ? stop : stay;
    case "stopping":
      if (event.type === "turn_ended") return settle(event.end);
      if (event.type === "timed_out")
        return { phase: "settled", effects: [{ do: "give_up" }, { do: "settle", end: canceled }] };
      // Whatever a start that was called off ends with.
      return event.type === "opened" || event.type === "open_failed" ? settle(canceled) : stay;
    case "settled":
      return stay;
  }
}

const stop: RunPhaseStep = { phase: "stopping", effects: [{ do: "abort" }] };
const settle = (end: End): RunPhaseStep => ({ phase: "settled", effects: [{ do: "settle", end }] });
