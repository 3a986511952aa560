import { z } from "zod";
import { usageGroups } from "./choices.ts";

/** Tokens. `input_tokens` counts all input, cached included; the cache figures say how much of it. */
export const Usage = z.object({
  input_tokens: z.int(),
  output_tokens: z.int(),
  reasoning_tokens: z.int(),
  cache_read_tokens: z.int(),
  cache_write_tokens: z.int(),
});
export type Usage = z.infer<typeof Usage>;

/** USD. */
export const Cost = z.number();

export const UsageBy = z.enum(usageGroups);
export type UsageBy = z.infer<typeof UsageBy>;

/** The total usage of one day, session, agent or model. */
export const UsageRow = z.object({
  /** The day (YYYY-MM-DD, UTC), the session's id, or the name; empty for runs without a model name. */
  key: z.string(),
  /** A session's title; null once it is deleted, and for everything else. */
  label: z.string().nullable(),
  runs: z.int(),
  usage: Usage,
  cost: Cost,
});
export type UsageRow = z.infer<typeof UsageRow>;

export const noUsage: Usage = {
  input_tokens: 0,
  output_tokens: 0,
  reasoning_tokens: 0,
  cache_read_tokens: 0,
  cache_write_tokens: 0,
};

export const addUsage = (a: Usage, b: Usage): Usage => ({
  input_tokens: a.input_tokens + b.input_tokens,
  output_tokens: a.output_tokens + b.output_tokens,
  reasoning_tokens: a.reasoning_tokens + b.reasoning_tokens,
  cache_read_tokens: a.cache_read_tokens + b.cache_read_tokens,
  cache_write_tokens: a.cache_write_tokens + b.cache_write_tokens,
});
