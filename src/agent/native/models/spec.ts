import type { ProviderType } from "../../../protocol/config.ts";
import type { Ability } from "./catalog/catalog.ts";
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
  /** The command that prints the key; run when the model is opened. */
  keyCommand?: string | null;
  /** Where the key came from; null without a key. */
  keyFrom: string | null;
  headers: Readonly<Record<string, string>>;
  cost: ModelCost;
  /** How hard it is told to think; null: as it does by itself. */
  effort: string | null;
  /** Its provider may search the web for it. */
  search?: boolean | undefined;
  /** The local server that told `contextWindow`; undefined: the configuration or the list of models did. */
  windowFrom?: string | undefined;
} & Figures;

/** What a model can do, and how much. */
export type Figures = {
  contextWindow: number | null;
  /** How much it is allowed to answer; null: as much as its server allows. */
  maxOutputTokens: number | null;
  /** The most that it could answer. */
  outputLimit: number | null;
  /** Null: nobody has said. */
  abilities: readonly Ability[] | null;
  /** How hard it can be told to think, from little to much. */
  efforts: readonly string[];
  /** It takes a number of tokens instead of a word. */
  thinkingBudget: { min: number; max?: number } | null;
};

/** A model that nobody has described. */
export const unknownFigures: Figures = {
  contextWindow: null,
  maxOutputTokens: null,
  outputLimit: null,
  abilities: null,
  efforts: [],
  thinkingBudget: null,
};

/** The properties of a model that do not depend on the provider package. */
export const modelOf = (spec: ModelSpec) => ({
  id: spec.id,
  providerLabel: spec.label,
  family: familyOf(spec.model),
  isPrivate: isPrivateAddress(spec.baseUrl),
  traits: spec.search === true ? traitsOf(spec) : { ...traitsOf(spec), search: "none" as const },
  abilities: spec.abilities,
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
