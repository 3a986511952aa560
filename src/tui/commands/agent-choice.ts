import type { Agent } from "../../protocol/agent.ts";

/** Why an agent cannot be chosen, and what to do about it. */
export const whyNotReady = ({ name, status, reason, fix }: Agent): string =>
  `${name}: ${reason ?? status.replaceAll("_", " ")}${fix === null ? "" : ` · ${fix}`}`;

/**
 * The model that a name means; undefined if the agent cannot have it. An agent that lists no models may have any, and a
 * provider may have newer models than those listed. The provider may be left out if only one model has the name.
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
