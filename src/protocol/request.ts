import { z } from "zod";
import { RunId } from "./ids.ts";
import { Time } from "./time.ts";
import { Cost, Usage } from "./usage.ts";

/** What a request consists of, in tokens (estimates that add up to what the provider counted). */
export const RequestParts = z.object({
  system: z.int(),
  tools: z.int(),
  /** The environment and the user's and the project's instructions. */
  instructions: z.int(),
  /** What stands for compacted messages. */
  summary: z.int(),
  messages: z.int(),
  tool_results: z.int(),
  files: z.int(),
});
export type RequestParts = z.infer<typeof RequestParts>;

/** One request to a model, as it is listed. */
export const RequestMeta = z.object({
  run_id: RunId,
  /** Counts the run's requests from 1, repeated ones included. */
  n: z.int(),
  kind: z.enum(["step", "summary", "title"]),
  model: z.string(),
  at: Time,
  outcome: z.enum(["whole", "failed", "aborted"]),
  error: z.string().nullable(),
  /** Null if the provider did not answer. */
  status: z.int().nullable(),
  duration_ms: z.int(),
  /** Until the first bytes of the answer. */
  first_ms: z.int().nullable(),
  /** Until the request was sent, since hearth began to work on it. */
  added_ms: z.number(),
  usage: Usage,
  cost: Cost,
  request_bytes: z.int(),
  response_bytes: z.int(),
  parts: RequestParts,
});
export type RequestMeta = z.infer<typeof RequestMeta>;

/** With what was sent and what came back, word for word. Keys are left out. */
export const RequestDetail = RequestMeta.extend({
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  body: z.string(),
  response_headers: z.record(z.string(), z.string()),
  /** Bounded: of a longer answer the middle is left out. */
  response: z.string(),
});
export type RequestDetail = z.infer<typeof RequestDetail>;

/** What fills the window of the session's model. */
export const ContextFill = z.object({
  /** Another agent than hearth's own keeps its conversation itself: nothing more is known. */
  is_own: z.boolean(),
  model: z.string().nullable(),
  used: z.int().nullable(),
  window: z.int().nullable(),
  parts: RequestParts.nullable(),
  /** The share of the last request's input that came from the provider's cache, 0 to 1. */
  cache_hit: z.number().nullable(),
  /** Why the cache helps less than it should, one sentence. */
  alarm: z.string().nullable(),
});
export type ContextFill = z.infer<typeof ContextFill>;
