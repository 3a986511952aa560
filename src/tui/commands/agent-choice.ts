import type { Agent } from "../../protocol/agent.ts";

/** Why an agent cannot be chosen, and what to do about it. */
export const whyNotReady = ({ name, status, reason, fix }: Agent): string =>
  `${name}: ${reason ?? status.replaceAll("_", " ")}${fix === null ? "" : ` · ${fix}`}`;

/**
 * The id of the model with this name; undefined if the agent cannot use it. Any name is accepted for an agent that
 * lists no models, and any `provider/model` of a listed provider, unless that provider's list is complete. A name
 * without a provider must be unique.
 */
export function modelOfName(agent: Agent | undefined, wanted: string): string | undefined {
  const ids = agent?.models.map(({ id }) => id) ?? [];
  if (ids.length === 0 || ids.includes(wanted)) return wanted;
  const [owner, ...others] = ids.filter((id) => id.endsWith(`/${wanted}`));
  if (owner !== undefined && others.length === 0) return owner;
  const [, provider] = /^([^/]+)\//.exec(wanted) ?? [];
  if (provider === undefined || agent?.closed_providers?.includes(provider)) return undefined;
  return ids.some((id) => id.startsWith(`${provider}/`)) ? wanted : undefined;
}
