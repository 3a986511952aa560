import type { ProviderType } from "../../../protocol/config.ts";
import type { RequestOrigin } from "./failure.ts";
import type { ModelCost, PromptFamily } from "./model.ts";
import { isPrivateAddress } from "./private-address.ts";
import { traitsOf } from "./traits.ts";

/** All that is needed to open a model: plain data, found by resolve.ts. */
export type ModelSpec = {
  /** `provider/model`. */
  id: string;
  label: string;
  type: ProviderType;
  /** The provider's own name of the model. */
  model: string;
  /** With the version segment. */
  baseUrl: string;
  /** The configuration key or variable that says where the server is. */
  addressFrom: string;
  apiKey: string | null;
  /** Where the key came from; null without one. */
  keyFrom: string | null;
  headers: Readonly<Record<string, string>>;
  contextWindow: number | null;
  maxOutputTokens: number | null;
  cost: ModelCost;
};

/** What is the same of a model whichever provider package opens it. */
export const modelOf = (spec: ModelSpec) => ({
  id: spec.id,
  providerLabel: spec.label,
  family: familyOf(spec.model),
  isPrivate: isPrivateAddress(spec.baseUrl),
  traits: traitsOf(spec),
  cost: spec.cost,
});

export const originOf = (spec: ModelSpec): RequestOrigin => ({
  label: spec.label,
  keyFrom: spec.keyFrom,
  addressFrom: spec.addressFrom,
  baseUrl: spec.baseUrl,
  model: spec.id,
  // A very short one is no secret, and would be found in ordinary words.
  secrets: [spec.apiKey ?? "", ...Object.values(spec.headers)].filter((secret) => secret.length >= 8),
});

/** By the model's name, not by who serves it: a Claude behind a proxy is still a Claude. */
export function familyOf(model: string): PromptFamily {
  if (/claude/i.test(model)) return "claude";
  if (/gemini/i.test(model)) return "gemini";
  if (/gpt-oss/i.test(model)) return "open";
  return /(^|\/)(gpt-|chatgpt|codex|o[1-9](-|$))/i.test(model) ? "gpt" : "open";
}
