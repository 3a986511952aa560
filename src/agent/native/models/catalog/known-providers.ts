import type { ProviderType } from "../../../../protocol/config.ts";
import { providerVariables } from "../../../../protocol/provider-variables.ts";
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
  /** Offered first if the user lists none; the first is the default. Other names are passed on. */
  models: readonly string[];
};

/** Providers that only need a key. Figures of their models: models.json. */
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
      "claude-sonnet-5-5",
      "claude-opus-5-5",
      "claude-haiku-5-5",
      "claude-fable-5-1",
      "claude-opus-5",
      "claude-sonnet-5",
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
    models: ["gpt-6.1-sol", "gpt-6-astra", "gpt-6-luna"],
  },
  {
    name: "google",
    label: "Google",
    type: "google",
    keyNames: providerVariables.google.keys,
    baseUrl: "https://generativelanguage.googleapis.com/v1beta",
    baseName: providerVariables.google.address,
    baseSuffix: "/v1beta",
    models: ["gemini-3.8-flash", "gemini-3.1-pro-preview"],
  },
  {
    name: "openrouter",
    label: "OpenRouter",
    type: "openai-compatible",
    keyNames: providerVariables.openrouter.keys,
    baseUrl: "https://openrouter.ai/api/v1",
    baseName: providerVariables.openrouter.address,
    baseSuffix: "",
    models: ["anthropic/claude-sonnet-5.5", "openai/gpt-6.1-sol"],
  },
  {
    name: "deepseek",
    label: "DeepSeek",
    type: "openai-compatible",
    keyNames: providerVariables.deepseek.keys,
    baseUrl: "https://api.deepseek.com/v1",
    baseName: providerVariables.deepseek.address,
    baseSuffix: "",
    models: ["deepseek-v4-pro", "deepseek-v4-flash"],
  },
  {
    name: "xai",
    label: "xAI",
    type: "openai-compatible",
    keyNames: providerVariables.xai.keys,
    baseUrl: "https://api.x.ai/v1",
    baseName: providerVariables.xai.address,
    baseSuffix: "",
    models: ["grok-4.5"],
  },
  {
    name: "groq",
    label: "Groq",
    type: "openai-compatible",
    keyNames: providerVariables.groq.keys,
    baseUrl: "https://api.groq.com/openai/v1",
    baseName: providerVariables.groq.address,
    baseSuffix: "",
    models: ["openai/gpt-oss-120b"],
  },
  {
    name: "mistral",
    label: "Mistral",
    type: "openai-compatible",
    keyNames: providerVariables.mistral.keys,
    baseUrl: "https://api.mistral.ai/v1",
    baseName: providerVariables.mistral.address,
    baseSuffix: "",
    models: ["mistral-medium-latest"],
  },
];
