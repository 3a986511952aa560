import type { PermissionMode } from "../../protocol/permission.ts";
import type { Run } from "../../protocol/run.ts";

/** A run with the fields that only the daemon needs. */
export type RunRecord = Run & {
  /** The run's own mode; null: the session's. */
  mode: PermissionMode | null;
  /** Hash of session, prompt and attachments: a run id must not be reused for another prompt. */
  request_hash: string;
  env: Record<string, string> | null;
  max_steps: number | null;
  on_question: "wait" | "fail" | "deny";
};

/** The part of a run that clients see. */
export const publicRun = (run: RunRecord): Run => ({
  id: run.id,
  session_id: run.session_id,
  agent: run.agent,
  model: run.model,
  state: run.state,
  delivery: run.delivery,
  outcome: run.outcome,
  error: run.error,
  message_id: run.message_id,
  accepted_at: run.accepted_at,
  started_at: run.started_at,
  completed_at: run.completed_at,
  usage: run.usage,
  cost: run.cost,
  by: run.by,
  canceled_by: run.canceled_by,
});
