import type { Usage } from "../../protocol/usage.ts";

/** The usage columns, the same in every table that has them. */
export type UsageColumns = {
  input_tokens: number;
  output_tokens: number;
  reasoning_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
};

export const usageOf = (row: UsageColumns): Usage => ({
  input_tokens: row.input_tokens,
  output_tokens: row.output_tokens,
  reasoning_tokens: row.reasoning_tokens,
  cache_read_tokens: row.cache_read_tokens,
  cache_write_tokens: row.cache_write_tokens,
});
