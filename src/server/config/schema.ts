import { z } from "zod";
import { Config } from "../../protocol/config.ts";

/** The part of a JSON Schema that is used here. */
export type JsonSchema = {
  properties?: Record<string, JsonSchema>;
  additionalProperties?: JsonSchema;
  items?: JsonSchema;
};

/** The JSON Schema of `hearth.jsonc`, made from the schema that reads it. */
export const configSchema = (): JsonSchema => z.toJSONSchema(Config, { io: "input" }) as JsonSchema;
