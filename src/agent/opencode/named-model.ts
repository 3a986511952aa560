import { HearthError } from "../../protocol/errors.ts";
import type { Turn } from "../backend.ts";
import { readModels, readModes } from "./opencode-options.ts";
import type { OpencodeServer } from "./server.ts";

const NAMED_MAX = 10;

/** A model in opencode's API. */
export type ModelChoice = { providerID: string; modelID: string };

/**
 * The model of that name. Throws HearthError model_unavailable for an unknown one: opencode would accept it, fail, and
 * keep it for the rest of the session.
 */
export async function namedModel(
  agent: string,
  server: OpencodeServer,
  name: string,
  signal: AbortSignal,
): Promise<ModelChoice> {
  expectOneOf(await readModels(server, signal), name, `${agent} has no model ${name}.`);
  const [providerID = "", ...rest] = name.split("/");
  return { providerID, modelID: rest.join("/") };
}

/**
 * The opencode agent (its word for a mode) to use; null for its default. Throws HearthError model_unavailable for an
 * unknown one: opencode would accept the prompt and never answer.
 */
export async function namedMode(
  agent: string,
  server: OpencodeServer,
  { mode, agent_mode }: Pick<Turn, "mode" | "agent_mode">,
  signal: AbortSignal,
): Promise<string | null> {
  // opencode's plan agent knows that it must not write. hearth still denies what it tries.
  if (mode === "plan") return "plan";
  if (agent_mode !== null)
    expectOneOf(await readModes(server, signal), agent_mode, `${agent} has no mode ${agent_mode}.`);
  return agent_mode;
}

function expectOneOf(known: readonly { id: string }[], name: string, sentence: string) {
  // If it lists none, opencode itself must reject an unknown name.
  if (known.length === 0 || known.some(({ id }) => id === name)) return;
  const some = known.slice(0, NAMED_MAX).map(({ id }) => id);
  throw new HearthError(
    "model_unavailable",
    `${sentence} It has ${some.join(", ")}${known.length > NAMED_MAX ? ", …" : ""}.`,
  );
}
