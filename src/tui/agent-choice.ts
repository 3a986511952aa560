import type { Agent } from "../protocol/agent.ts";

/** Why an agent cannot be chosen, and what to do about it. */
export const whyNotReady = ({ name, status, reason, fix }: Agent): string =>
  `${name}: ${reason ?? status.replaceAll("_", " ")}${fix === null ? "" : ` · ${fix}`}`;

/**
 * Whether an agent can be given that model. What it names is all it has; of a provider that it names models of there
 * may be newer ones than it knows, and where it names none any may be right.
 */
export function isKnownModel(agent: Agent | undefined, wanted: string): boolean {
  const ids = agent?.models.map(({ id }) => id) ?? [];
  const provider = /^[^/]+\//.exec(wanted)?.[0];
  return (
    ids.length === 0 ||
    ids.includes(wanted) ||
    (provider !== undefined && ids.some((id) => id.startsWith(provider)))
  );
}
