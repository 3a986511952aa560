import { z } from "zod";
import { modelAbilities } from "./choices.ts";

const prices = {
  input: z.number(),
  output: z.number(),
  cache_read: z.number(),
  cache_write: z.number(),
};

/** A model of hearth's own agent, with what is known of it. */
export const KnownModel = z.object({
  /** `provider/model`. */
  id: z.string(),
  provider: z.string(),
  name: z.string(),
  /** Whether it can be used now: its provider has a key or needs none. */
  usable: z.boolean(),
  context_window: z.int().nullable(),
  max_output_tokens: z.int().nullable(),
  /** Null: unknown. */
  abilities: z.array(z.enum(modelAbilities)).nullable(),
  /** The reasoning efforts it supports, from little to much: `model@effort`. */
  efforts: z.array(z.string()),
  /** USD per million tokens; null: not known. */
  cost: z
    .object({
      ...prices,
      /** Prices of requests with more input tokens than `above`. */
      tiers: z.array(z.object({ above: z.int(), ...prices })).optional(),
    })
    .nullable(),
});
export type KnownModel = z.infer<typeof KnownModel>;

/** Where a list of models came from. */
export const ModelList = z.object({
  source: z.string(),
  /** The day on which its figures were read, YYYY-MM-DD. */
  read_at: z.string(),
});
export type ModelList = z.infer<typeof ModelList>;
