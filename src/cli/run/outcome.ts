import type { ErrorCode } from "../../protocol/errors.ts";
import type { RunCompleted } from "../../protocol/run.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodeOfCode, exitCodes } from "../exit.ts";
import type { Stop } from "./stop.ts";

const adviceFor = (code: ErrorCode): string =>
  code === "permission_needed"
    ? " Say what may run unasked with --permission-mode accept_edits or yolo, or with --permission-mode deny that it goes on without; rules in hearth.jsonc allow single commands."
    : "";

const exitCodeOfStop = (stop: Stop): ExitCode =>
  stop.reason() === "timeout" ? exitCodes.timeout : exitCodes.canceled;

/** For a run that is not awaited to its end. */
export async function printCanceled({ err }: Context, stop: Stop): Promise<ExitCode> {
  await err.line(`hearth: ${canceledBy(stop, null)}`);
  return exitCodeOfStop(stop);
}

function canceledBy(stop: Stop, client: string | null): string {
  if (stop.reason() === "timeout") return "The run was canceled: it reached --timeout.";
  return stop.reason() === "signal" ? "Canceled." : `The run was canceled by ${client ?? "another client"}.`;
}

export function exitCodeOfEnd(end: RunCompleted, stop: Stop): ExitCode {
  switch (end.outcome) {
    case "end_turn":
    case "steered":
      return exitCodes.done;
    case "max_tokens":
    case "max_steps":
      return exitCodes.limit;
    case "canceled":
      return exitCodeOfStop(stop);
    case "refusal":
    case "interrupted":
      return exitCodes.failed;
    case "error":
      return end.error === undefined ? exitCodes.failed : exitCodeOfCode(end.error.code);
  }
}

/** Prints one sentence on stderr if the run did not end normally. */
export async function printFailure(
  { outcome, error, canceled_by }: RunCompleted,
  { err }: Context,
  stop: Stop,
): Promise<void> {
  const sentence = {
    end_turn: "",
    steered: "",
    max_tokens: "The model stopped at its limit of output tokens: the answer is not complete.",
    max_steps: "The run stopped at its limit of steps: raise it with --max-steps, or go on with --continue.",
    refusal: "The model refused to answer.",
    interrupted: "The daemon stopped before the run had ended; go on with `hearth run --continue`.",
    canceled: canceledBy(stop, canceled_by),
    error: error === undefined ? "The run failed." : `${error.message}${adviceFor(error.code)}`,
  }[outcome];
  if (sentence !== "") await err.line(`hearth: ${sentence}`);
}
