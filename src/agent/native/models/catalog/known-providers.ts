import type { ProviderType } from "../../../../protocol/config.ts";
import { providerVariables } from "../../../../protocol/provider-variables.ts";
import type { ModelCost } from "../model.ts";

type KnownModel = { name: string; contextWindow: number | null; cost: ModelCost | null };

export type KnownProvider = {
  name: string;
  label: string;
  type: ProviderType;
  /** Variables for the key; the first one set counts. */
  keyNames: readonly string[];
  baseUrl: string;
  /** The variable for another address in the provider's own tools, and the suffix that they leave out of it. */
  baseName: string;
  baseSuffix: string;
  /** Offered if the user lists none; the first is the default. Other names are passed on. */
  models: readonly KnownModel[];
};

const usd = (input: number, output: number, cacheRead: number, cacheWrite = input): ModelCost => ({
  input,
  output,
  cache_read: cacheRead,
  cache_write: cacheWrite,
});

/**
 * Providers that only need a key. Prices are list prices of November 2026 (platform.claude.com/docs,
 * developers.openai.com/api/docs/pricing, docs.x.ai), without long-context surcharges. A price that could not be
 * confirmed is left out: then no cost is shown.
 */
export const knownProviders: readonly KnownProvider[] = [
  {
    name: "anthropic",
    label: "Anthropic",
    type: "anthropic",
    keyNames: providerVariables.anthropic.keys,
    baseUrl: "https://api.anthropic.com/v1",
    baseName: providerVariables.anthropic.address,
    baseSuffix: "/v1",
    models: [
      { name: "claude-sonnet-5-5", contextWindow: 1_000_000, cost: usd(2, 10, 0.2, 2.5) },
      { name: "claude-opus-5-5", contextWindow: 1_000_000, cost: usd(4, 20, 0.2, 5) },
      { name: "claude-haiku-5-5", contextWindow: 1_000_000, cost: null },
      { name: "claude-fable-5-1", contextWindow: 1_000_000, cost: usd(10, 50, 1, 12.5) },
      { name: "claude-opus-5", contextWindow: 1_000_000, cost: usd(5, 25, 0.5, 6.25) },
      { name: "claude-sonnet-5", contextWindow: 1_000_000, cost: usd(2, 10, 0.2, 2.5) },
    ],
  },
  {
    name: "openai",
    label: "OpenAI",
    type: "openai",
    keyNames: providerVariables.openai.keys,
    baseUrl: "https://api.openai.com/v1",
    baseName: providerVariables.openai.address,
    baseSuffix: "",
    models: [
      { name: "gpt-6.1-sol", contextWindow: 1_050_000, cost: usd(2, 10, 0.1) },
      { name: "gpt-6-astra", contextWindow: null, cost: usd(10, 50, 1) },
      { name: "gpt-6-luna", contextWindow: 1_000_000, cost: usd(0.1, 0.5, 0.01) },
    ],
  },
  {
    name: "google",
    label: "Google",
    type: "google",
    keyNames: providerVariables.google.keys,
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    baseName: providerVariables.google.address,
    baseSuffix: "/v1beta",
    models: [
      { name: "gemini-3.8-flash", contextWindow: 1_048_576, cost: null },
      { name: "gemini-3.1-pro-preview", contextWindow: 1_048_576, cost: null },
    ],
  },
  {
    name: "openrouter",
    label: "OpenRouter",
    type: "openai-compatible",
    keyNames: providerVariables.openrouter.keys,
    baseUrl: "https://openrouter.ai/api/v1",
    baseName: providerVariables.openrouter.address,
    baseSuffix: "",
    models: [
      { name: "anthropic/claude-sonnet-5.5", contextWindow: 1_000_000, cost: usd(2, 10, 0.2, 2.5) },
      { name: "openai/gpt-6.1-sol", contextWindow: 1_050_000, cost: usd(2, 10, 0.1) },
    ],
  },
  {
    name: "deepseek",
    label: "DeepSeek",
    type: "openai-compatible",
    keyNames: providerVariables.deepseek.keys,
    baseUrl: "https://api.deepseek.com/v1",
    baseName: providerVariables.deepseek.address,
    baseSuffix: "",
    models: [
      { name: "deepseek-v4-pro", contextWindow: 1_000_000, cost: null },
      { name: "deepseek-v4-flash", contextWindow: 1_000_000, cost: null },
    ],
  },
  {
    name: "xai",
    label: "xAI",
    type: "openai-compatible",
    keyNames: providerVariables.xai.keys,
    baseUrl: "https://api.x.ai/v1",
    baseName: providerVariables.xai.address,
    baseSuffix: "",
    models: [{ name: "grok-4.5", contextWindow: 500_000, cost: usd(2, 6, 0.5) }],
  },
  {
    name: "groq",
    label: "Groq",
    type: "openai-compatible",
    keyNames: providerVariables.groq.keys,
    baseUrl: "https://api.groq.com/openai/v1",
    baseName: providerVariables.groq.address,
    baseSuffix: "",
    models: [{ name: "openai/gpt-oss-120b", contextWindow: 131_072, cost: null }],
  },
  {
    name: "mistral",
    label: "Mistral",
    type: "openai-compatible",
    keyNames: providerVariables.mistral.keys,
    baseUrl: "https://api.mistral.ai/v1",
    baseName: providerVariables.mistral.address,
    baseSuffix: "",
    models: [{ name: "devstral-latest", contextWindow: null, cost: null }],
  },
];

const free = usd(0, 0, 0);

/** What is known about a provider's model. An unknown model has no price, not a price of zero. */
export function knownModel(provider: string, name: string): KnownModel {
  const found = knownProviders
    .find((known) => known.name === provider)
    ?.models.find((model) => model.name === name);
  return found ?? { name, contextWindow: null, cost: null };
}

export const noCost: ModelCost = free;
