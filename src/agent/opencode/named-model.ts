import { HearthError } from "../../protocol/errors.ts";
import { readModels } from "./choices.ts";
import type { OpencodeServer } from "./server.ts";

const NAMED_MAX = 10;

/** As opencode is told of it. */
export type ModelChoice = { providerID: string; modelID: string };

/**
 * The model that goes by that name. Throws HearthError model_unavailable for one that it has not got: opencode would
 * take it, fail, and stay with it for the rest of the session.
 */
export async function namedModel(
  agent: string,
  server: OpencodeServer,
  name: string,
  signal: AbortSignal,
): Promise<ModelChoice> {
  const models = await readModels(server, signal);
  // Where it does not say what it has, it has to say itself that it has not got this one.
  if (models.length > 0 && !models.some(({ id }) => id === name)) {
    const some = models.slice(0, NAMED_MAX).map(({ id }) => id);
    throw new HearthError(
      "model_unavailable",
      `${agent} has no model ${name}. It has ${some.join(", ")}${models.length > NAMED_MAX ? ", …" : ""}.`,
    );
  }
  const [providerID = "", ...rest] = name.split("/");
  return { providerID, modelID: rest.join("/") };
}
