import { HearthError } from "../../protocol/errors.ts";
import type { Turn } from "../backend.ts";
import { readModels, readModes } from "./choices.ts";
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
  expectOneOf(await readModels(server, signal), name, `${agent} has no model ${name}.`);
  const [providerID = "", ...rest] = name.split("/");
  return { providerID, modelID: rest.join("/") };
}

/**
 * The one of its agents (which are its modes) that is to work; null for its own choice. Throws HearthError
 * model_unavailable for one that it has not got: opencode would take the prompt and never say another word.
 */
export async function namedMode(
  agent: string,
  server: OpencodeServer,
  { mode, agent_mode }: Pick<Turn, "mode" | "agent_mode">,
  signal: AbortSignal,
): Promise<string | null> {
  // Its own plan agent knows that it must not write; hearth refuses it what it tries all the same.
  if (mode === "plan") return "plan";
  if (agent_mode !== null)
    expectOneOf(await readModes(server, signal), agent_mode, `${agent} has no mode ${agent_mode}.`);
  return agent_mode;
}

function expectOneOf(known: readonly { id: string }[], name: string, sentence: string) {
  // Where it does not say what it has, it has to say itself that it has not got this one.
  if (known.length === 0 || known.some(({ id }) => id === name)) return;
  const some = known.slice(0, NAMED_MAX).map(({ id }) => id);
  throw new HearthError(
    "model_unavailable",
    `${sentence} It has ${some.join(", ")}${known.length > NAMED_MAX ? ", …" : ""}.`,
  );
}
