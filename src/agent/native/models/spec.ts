import type { ProviderType } from "../../../protocol/config.ts";
import type { RequestOrigin } from "./errors/failure.ts";
import type { ModelCost, PromptFamily } from "./model.ts";
import { isPrivateAddress } from "./network/private-address.ts";
import { traitsOf } from "./traits.ts";

/** Everything needed to open a model, as plain data from resolve.ts. */
export type ModelSpec = {
  /** `provider/model`. */
  id: string;
  label: string;
  type: ProviderType;
  /** The provider's name for the model. */
  model: string;
  /** With the version segment. */
  baseUrl: string;
  /** The configuration key or variable that says where the server is. */
  addressFrom: string;
  apiKey: string | null;
  /** Where the key came from; null without a key. */
  keyFrom: string | null;
  headers: Readonly<Record<string, string>>;
  contextWindow: number | null;
  maxOutputTokens: number | null;
  cost: ModelCost;
};

/** The properties of a model that do not depend on the provider package. */
export const modelOf = (spec: ModelSpec) => ({
  id: spec.id,
  providerLabel: spec.label,
  family: familyOf(spec.model),
  isPrivate: isPrivateAddress(spec.baseUrl),
  traits: traitsOf(spec),
  cost: spec.cost,
  contextWindow: spec.contextWindow,
  outputTokensMax: spec.maxOutputTokens,
});

export const originOf = (spec: ModelSpec): RequestOrigin => ({
  label: spec.label,
  keyFrom: spec.keyFrom,
  addressFrom: spec.addressFrom,
  baseUrl: spec.baseUrl,
  model: spec.id,
  // Very short values are not secrets and would match ordinary words.
  secrets: [spec.apiKey ?? "", ...Object.values(spec.headers)].filter((secret) => secret.length >= 8),
});

/** By the model's name, not its server: a Claude behind a proxy is still a Claude. */
export function familyOf(model: string): PromptFamily {
  if (/claude/i.test(model)) return "claude";
  if (/gemini/i.test(model)) return "gemini";
  if (/gpt-oss/i.test(model)) return "open";
  return /(^|\/)(gpt-|chatgpt|codex|o[1-9](-|$))/i.test(model) ? "gpt" : "open";
}
