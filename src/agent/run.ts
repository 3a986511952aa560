import { HearthError } from "../protocol/errors.ts";
import type { RunId } from "../protocol/ids.ts";
import type { RunError } from "../protocol/run.ts";
import type { OpenedSession, Turn, TurnHost } from "./backend.ts";
import type { Recorder } from "./recorder.ts";
import type { End } from "./run-state.ts";

/** A canceled turn gets this long to settle before its backend is ended by force (design G7). */
const SETTLE_TIMEOUT_MS = 5000;

type RunDeps = {
  run_id: RunId;
  recorder: Recorder;
  /** The agent's counterpart of the session, warm or made now. */
  open(signal: AbortSignal): Promise<OpenedSession>;
  turn(opened: OpenedSession): { turn: Turn; host: TurnHost };
  onOpened(): void;
  /** Once. Everything that the run started is dead, or was given up. */
  onSettled(end: End): void;
  /** The counterpart did not settle in time and was ended by force: it must not be used again. */
  onGivenUp(opened: OpenedSession): void;
  report(message: string, cause: unknown): void;
};

export type ActiveRun = ReturnType<typeof createRun>;

/** The work of one run, from opening its agent session until it has settled. Owns the run's AbortController. */
export function createRun(deps: RunDeps) {
  const controller = new AbortController();
  let opened: OpenedSession | null = null;
  let deadline: NodeJS.Timeout | null = null;
  let isOver = false;
  let isSettled = false;

  function settle(end: End) {
    if (isSettled) return;
    isSettled = true;
    if (deadline !== null) clearTimeout(deadline);
    deps.onSettled(end);
  }

  const endOf = (error: unknown): End => ({ outcome: "error", error: asRunError(error, deps.report) });

  return {
    run_id: deps.run_id,
    recorder: deps.recorder,
    signal: controller.signal,
    /** The run has its end: what its backend still says is nobody's. */
    get isOver() {
      return isOver;
    },
    finish() {
      isOver = true;
    },
    async open() {
      try {
        opened = await deps.open(controller.signal);
      } catch (error) {
        // Whatever a start that was called off fails with.
        if (controller.signal.aborted) return settle({ outcome: "canceled" });
        return settle(endOf(error));
      }
      if (isOver) settle({ outcome: "canceled" });
      else deps.onOpened();
    },
    async runTurn() {
      try {
        if (opened === null) throw new Error(`${deps.run_id} has no agent session`);
        const { turn, host } = deps.turn(opened);
        const result = await opened.runTurn(turn, host, controller.signal);
        settle("error" in result ? { outcome: "error", error: result.error } : { outcome: result.outcome });
      } catch (error) {
        settle(endOf(error));
      }
    },
    /** Stops the work at once; `onSettled` follows, in 5 s at most. */
    abort() {
      isOver = true;
      controller.abort();
      if (isSettled || deadline !== null) return;
      deadline = setTimeout(() => {
        if (opened !== null) {
          deps.onGivenUp(opened);
          opened.kill().catch((error) => deps.report("a turn could not be ended by force", error));
        }
        settle({ outcome: "canceled" });
      }, SETTLE_TIMEOUT_MS);
    },
    /** Stops the work without its end being written: the store cannot take it now. */
    interrupt: () => controller.abort(),
  };
}

export function asRunError(error: unknown, report: (message: string, cause: unknown) => void): RunError {
  if (error instanceof HearthError) return { code: error.code, message: error.message, retryable: false };
  report("a run failed in a way it should not", error);
  return {
    code: "internal",
    message: "hearth itself failed in this turn; the daemon's log says how.",
    retryable: true,
  };
}
