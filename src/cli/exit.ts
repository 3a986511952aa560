import { type ErrorCode, HearthError } from "../protocol/errors.ts";

export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  unusable: 3,
  permissionNeeded: 4,
  noDaemon: 5,
  limit: 6,
  timeout: 124,
  canceled: 130,
} as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** A mistake on the command line; `message` is one sentence that names it. */
export class UsageError extends Error {}

const byCode: Partial<Record<ErrorCode, ExitCode>> = {
  invalid_request: exitCodes.usage,
  empty_prompt: exitCodes.usage,
  body_too_large: exitCodes.usage,
  not_a_directory: exitCodes.usage,
  isolation_unavailable: exitCodes.usage,
  container_unavailable: exitCodes.usage,
  session_not_found: exitCodes.usage,
  task_not_found: exitCodes.usage,
  config_invalid: exitCodes.usage,
  trust_changed: exitCodes.usage,
  agent_unavailable: exitCodes.unusable,
  model_unavailable: exitCodes.unusable,
  provider_auth: exitCodes.unusable,
  permission_needed: exitCodes.permissionNeeded,
  daemon_unreachable: exitCodes.noDaemon,
  daemon_stopping: exitCodes.noDaemon,
  version_skew: exitCodes.noDaemon,
  unsafe_path: exitCodes.noDaemon,
  address_unavailable: exitCodes.noDaemon,
  store_too_new: exitCodes.noDaemon,
  loop_detected: exitCodes.limit,
  budget_reached: exitCodes.limit,
};

export const exitCodeOfCode = (code: ErrorCode): ExitCode => byCode[code] ?? exitCodes.failed;

export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof UsageError) return exitCodes.usage;
  if (!(error instanceof HearthError)) return exitCodes.failed;
  // A daemon that could not start counts as no daemon, whatever the reason.
  if (error.code === "store_unavailable" && error.details["is_start"] === true) return exitCodes.noDaemon;
  const field = error.details["field"];
  // The daemon answers an unknown name with invalid_request and the field.
  if (error.code === "invalid_request" && (field === "agent" || field === "model")) return exitCodes.unusable;
  return exitCodeOfCode(error.code);
}

/** A failure for people: one sentence for an expected one, everything for a bug. */
export function sentenceOf(error: unknown): string {
  if (error instanceof HearthError || error instanceof UsageError) return error.message;
  if (error instanceof Error) return `Something in hearth is broken: ${error.stack ?? error.message}`;
  return `Something in hearth is broken: ${String(error)}`;
}
