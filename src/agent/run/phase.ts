import type { End } from "./state.ts";

/** The phase of one run's work. Pure; `run.ts` carries out the effects. */
export type RunPhase =
  /** Its agent session is being opened. */
  | "opening"
  /** The agent session is open; the turn begins once the run's start is stored. */
  | "opened"
  | "running"
  /** It was told to stop and has not settled yet. Its output is dropped. */
  | "stopping"
  /** Everything that the run started has ended, or was given up. */
  | "settled";

export type RunPhaseEvent =
  | { type: "opened" }
  | { type: "open_failed"; end: End }
  /** The run's start is stored. */
  | { type: "begun" }
  | { type: "turn_ended"; end: End }
  | { type: "stopped" }
  /** It did not settle in time after it was stopped. */
  | { type: "timed_out" };

export type RunPhaseEffect =
  | { do: "tell_opened" }
  | { do: "run_turn" }
  /** Aborts the signal; `timed_out` follows unless the run settles first. */
  | { do: "abort" }
  /** Kills the agent session. */
  | { do: "give_up" }
  /** Reports the run's end to its session, once. */
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
      // No turn has begun, so there is nothing to wait for.
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
      // A stopped opening ends as canceled, whatever its result.
      return event.type === "opened" || event.type === "open_failed" ? settle(canceled) : stay;
    case "settled":
      return stay;
  }
}

const stop: RunPhaseStep = { phase: "stopping", effects: [{ do: "abort" }] };
const settle = (end: End): RunPhaseStep => ({ phase: "settled", effects: [{ do: "settle", end }] });
