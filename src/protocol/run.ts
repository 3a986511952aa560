import { z } from "zod";
import { errorCodes } from "./errors.ts";
import { ClientId, MessageId, RunId, SessionId } from "./ids.ts";
import { Time } from "./time.ts";
import { Cost, Usage } from "./usage.ts";

export const Outcome = z.enum([
  "end_turn",
  "max_tokens",
  "max_steps",
  "refusal",
  "canceled",
  "interrupted",
  "error",
  "steered",
]);
export type Outcome = z.infer<typeof Outcome>;

export const RunError = z.object({
  code: z.enum(errorCodes),
  message: z.string(),
  retryable: z.boolean(),
  retry_after_ms: z.int().optional(),
});
export type RunError = z.infer<typeof RunError>;

export const RunState = z.enum(["accepted", "queued", "held", "active", "completed"]);
export type RunState = z.infer<typeof RunState>;

/** `queue`: runs after the run before it. `steer`: joins the running turn at its next step, if the agent can. */
export const Delivery = z.enum(["queue", "steer"]);
export type Delivery = z.infer<typeof Delivery>;

export const Run = z.object({
  id: RunId,
  session_id: SessionId,
  agent: z.string(),
  model: z.string().nullable(),
  state: RunState,
  delivery: Delivery,
  outcome: Outcome.nullable(),
  error: RunError.nullable(),
  /** The user message. */
  message_id: MessageId,
  accepted_at: Time,
  started_at: Time.nullable(),
  completed_at: Time.nullable(),
  usage: Usage,
  cost: Cost,
  /** The client that sent the prompt. */
  by: ClientId.nullable(),
  /** The client that canceled it. */
  canceled_by: ClientId.nullable(),
});
export type Run = z.infer<typeof Run>;

/** The payload of `run.completed`. `text` is the final answer: a script needs no other event. */
export const RunCompleted = z.object({
  run_id: RunId,
  session_id: SessionId,
  agent: z.string(),
  outcome: Outcome,
  error: RunError.optional(),
  /** The last message of the turn. */
  message_id: MessageId,
  text: z.string(),
  usage: Usage,
  cost: Cost,
  duration_ms: z.int(),
  canceled_by: ClientId.nullable(),
});
export type RunCompleted = z.infer<typeof RunCompleted>;
