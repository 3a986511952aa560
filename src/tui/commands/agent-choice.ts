import type { Agent } from "../../protocol/agent.ts";
import { splitEffort, withEffort } from "../../protocol/model-effort.ts";
import { type AppState, currentAgent, currentModel } from "../state/state.ts";

/** Why an agent cannot be chosen, and what to do about it. */
export const whyNotReady = ({ name, status, reason, fix }: Agent): string =>
  `${name}: ${reason ?? status.replaceAll("_", " ")}${fix === null ? "" : ` · ${fix}`}`;

/** The model that a person has chosen, without its effort; null: the agent's default. */
export const chosenModel = (state: AppState): string | null => {
  const named = currentModel(state);
  return named === null ? null : splitEffort(named).model;
};

/** The efforts of the present model, and the chosen one; null: the model's default. */
export function effortsOf(state: AppState): {
  model: string | null;
  efforts: readonly string[];
  current: string | null;
} {
  const agent = currentAgent(state);
  const named = currentModel(state);
  const model = chosenModel(state) ?? agent?.model ?? null;
  return {
    model,
    efforts: agent?.models.find(({ id }) => id === model)?.efforts ?? [],
    current: named === null ? null : splitEffort(named).effort,
  };
}

/**
 * The id of the model with this name; undefined if the agent cannot use it. Any name is accepted for an agent that
 * lists no models, and any `provider/model` of a listed provider, unless that provider's list is complete. A name
 * without a provider must be unique.
 */
export function modelOfName(agent: Agent | undefined, named: string): string | undefined {
  const { model, effort } = splitEffort(named);
  // An effort alone is for the default model.
  if (model === null) return named;
  const found = plainModelOf(agent, model);
  return found === undefined ? plainModelOf(agent, named) : (withEffort(found, effort) ?? undefined);
}

function plainModelOf(agent: Agent | undefined, wanted: string): string | undefined {
  const ids = agent?.models.map(({ id }) => id) ?? [];
  if (ids.length === 0 || ids.includes(wanted)) return wanted;
  const [owner, ...others] = ids.filter((id) => id.endsWith(`/${wanted}`));
  if (owner !== undefined && others.length === 0) return owner;
  const [, provider] = /^([^/]+)\//.exec(wanted) ?? [];
  if (provider === undefined || agent?.closed_providers?.includes(provider)) return undefined;
  return ids.some((id) => id.startsWith(`${provider}/`)) ? wanted : undefined;
}
