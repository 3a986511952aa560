/** All error codes, each with its HTTP status. */
const statusByCode = {
  invalid_request: 400,
  empty_prompt: 400,
  not_a_directory: 400,
  isolation_unavailable: 400,
  container_unavailable: 400,
  unauthorized: 401,
  forbidden: 403,
  observing: 403,
  command_refused: 403,
  not_found: 404,
  workspace_not_found: 404,
  session_not_found: 404,
  message_not_found: 404,
  run_not_found: 404,
  permission_not_found: 404,
  change_not_found: 404,
  job_not_found: 404,
  task_not_found: 404,
  method_not_allowed: 405,
  workspace_closing: 409,
  run_id_conflict: 409,
  session_id_conflict: 409,
  task_id_conflict: 409,
  run_started: 409,
  nothing_to_compact: 409,
  compaction_unavailable: 409,
  nothing_to_undo: 409,
  nothing_to_redo: 409,
  files_unavailable: 409,
  session_busy: 409,
  changes_pending: 409,
  change_decided: 409,
  conflict: 409,
  already_answered: 409,
  trust_changed: 409,
  daemon_busy: 409,
  daemon_stopping: 409,
  body_too_large: 413,
  unsupported_media_type: 415,
  too_many_attempts: 429,
  internal: 500,
  git_failed: 500,
  mcp_login_failed: 502,
  files_unwritable: 507,
  folder_unresponsive: 504,
  store_unavailable: 507,
  // These end a run, or occur before a client has a daemon. They are never an HTTP reply by themselves.
  agent_unavailable: 500,
  agent_crashed: 500,
  config_invalid: 500,
  model_unavailable: 500,
  provider_auth: 500,
  provider_unreachable: 500,
  provider_rate_limited: 500,
  provider_error: 500,
  provider_stalled: 500,
  context_overflow: 500,
  loop_detected: 500,
  permission_needed: 500,
  budget_reached: 500,
  hook_blocked: 500,
  interrupted: 500,
  daemon_unreachable: 500,
  version_skew: 500,
  store_too_new: 500,
  unsafe_path: 500,
  address_unavailable: 500,
} as const;

export type ErrorCode = keyof typeof statusByCode;

export const errorCodes = Object.keys(statusByCode) as [ErrorCode, ...ErrorCode[]];
export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === "string" && Object.hasOwn(statusByCode, code);
export const httpStatusOf = (code: ErrorCode): number => statusByCode[code];

type HearthErrorOptions = { details?: Record<string, unknown>; cause?: unknown };

/** An expected failure. `message` is one sentence for a person: what was wrong, with what, and what to do. */
export class HearthError extends Error {
  readonly code: ErrorCode;
  readonly details: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, options: HearthErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HearthError";
    this.code = code;
    this.details = options.details ?? {};
  }
}
