import { type DaemonStop, daemonStopOf } from "../protocol/daemon-stop.ts";
import { HearthError } from "../protocol/errors.ts";
import { labelInClientId } from "./client-id.ts";

/** Whether the daemon is gone or stopping, so that the next one must answer. */
export const isGone = (error: unknown): boolean =>
  error instanceof HearthError && (error.code === "daemon_unreachable" || error.code === "daemon_stopping");

/** Who stopped the daemon on purpose, if the error says so. */
export function stopIn({ code, details }: HearthError): DaemonStop | undefined {
  const stop = code === "daemon_stopping" ? daemonStopOf(details) : undefined;
  return stop?.reason === "stop" ? stop : undefined;
}

/** Who stopped the daemon, for a person: `The daemon was stopped by hearth daemon stop on pts/2`. */
export const sentenceOfStop = ({ by }: DaemonStop): string =>
  by === null ? "The daemon was stopped" : `The daemon was stopped by ${labelInClientId(by) ?? by}`;
