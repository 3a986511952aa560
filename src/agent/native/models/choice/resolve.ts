import { DEMO_MODEL } from "../../../../protocol/demo-model.ts";
import { HearthError } from "../../../../protocol/errors.ts";
import { type OllamaProbe, ollamaUrl } from "../local/ollama.ts";
import type { ModelSpec } from "../spec.ts";
import {
  catalogOf,
  figuresOf,
  hasKey,
  isUsable,
  ollamaProvider,
  type Provider,
  providersOf,
  settingOf,
} from "./providers.ts";
import type { NativeSettings } from "./settings.ts";

export const demoModelId = DEMO_MODEL;

/** The model that answers: a real one, or the built-in demo. */
export type Resolved = { kind: "spec"; spec: ModelSpec } | { kind: "demo" };

const inWords = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));

function specOf(provider: Provider, model: string, settings: NativeSettings): ModelSpec {
  const { name, listed, key, baseUrl } = provider;
  if (listed.length > 0 && !listed.includes(model))
    throw new HearthError(
      "model_unavailable",
      `The provider ${name} has no model named ${model}; its models are ${inWords(listed)}.`,
    );
  if (baseUrl === undefined)
    throw new HearthError(
      "config_invalid",
      `The provider ${name} needs providers.${name}.base_url in hearth.jsonc.`,
    );
  if (!/^https?:\/\/[^/]/.test(baseUrl) || !URL.canParse(baseUrl))
    throw new HearthError(
      "config_invalid",
      `${provider.addressFrom} is not an address (${JSON.stringify(baseUrl)}); write it as http://host:port/v1.`,
    );
  if (key !== null && "missing" in key) throw noKey(provider, key);
  const { isGuess: _, ...figures } = figuresOf(provider, model, catalogOf(settings));
  return {
    id: `${name}/${model}`,
    label: provider.label,
    type: provider.type,
    model,
    baseUrl,
    addressFrom: provider.addressFrom,
    apiKey: key?.value ?? null,
    keyFrom: key?.from ?? null,
    headers: provider.headers,
    ...figures,
  };
}

function noKey({ name, label, configured }: Provider, key: { missing: string; variable: string | null }) {
  const inFile = `providers.${name}.api_key in hearth.jsonc`;
  const inTerminal = `${key.missing} in the environment of your terminal`;
  const where =
    key.variable === null ? inFile : configured === undefined ? `${inTerminal} or ${inFile}` : inTerminal;
  return new HearthError("provider_auth", `${label} needs a key: set ${where}.`, {
    details: { variable: key.variable },
  });
}

/** Resolves a model name from a person. Throws HearthError naming the models there are. */
function specByName(asked: string, from: string, settings: NativeSettings): Resolved {
  if (asked === demoModelId) return { kind: "demo" };
  const providers = providersOf(settings);
  const slash = asked.indexOf("/");
  const provider = slash > 0 ? providers.find(({ name }) => name === asked.slice(0, slash)) : undefined;
  if (provider !== undefined && asked.length > slash + 1)
    return { kind: "spec", spec: specOf(provider, asked.slice(slash + 1), settings) };
  // A name without its provider is enough if only one provider has it.
  const owners = providers.filter((candidate) => candidate.listed.includes(asked));
  const [owner] = owners;
  if (owner !== undefined && owners.length === 1)
    return { kind: "spec", spec: specOf(owner, asked, settings) };
  const usable = providers.filter(isUsable).map(({ name }) => name);
  const what =
    slash > 0
      ? `There is no provider named ${asked.slice(0, slash)}`
      : owners.length > 1
        ? `More than one provider has a model named ${asked}`
        : `${asked} is not a model`;
  throw new HearthError(
    "model_unavailable",
    `${what} (${from}); name a model as provider/model. Providers that can be used: ${inWords([...usable, demoModelId])}.`,
  );
}

/** The first model that can be used without a choice and without the network. */
function firstUsable(settings: NativeSettings): Resolved | undefined {
  const providers = providersOf(settings);
  for (const provider of providers.filter(({ configured }) => configured !== undefined)) {
    const model = provider.listed[0] ?? provider.offered[0];
    if (model !== undefined) return { kind: "spec", spec: specOf(provider, model, settings) };
  }
  for (const provider of providers.filter(
    (candidate) => candidate.configured === undefined && hasKey(candidate),
  )) {
    const model = provider.offered[0];
    if (model !== undefined) return { kind: "spec", spec: specOf(provider, model, settings) };
  }
  return undefined;
}

async function localModel(settings: NativeSettings, probe: OllamaProbe): Promise<Resolved> {
  const host = settingOf(settings.providerEnv, "OLLAMA_HOST");
  const url = ollamaUrl(host);
  const models = await probe(url);
  const model = models?.[0];
  if (model !== undefined)
    return {
      kind: "spec",
      spec: specOf(ollamaProvider(settings.providerEnv, models ?? []), model, settings),
    };
  if (host === undefined) return { kind: "demo" };
  if (models === undefined)
    throw new HearthError(
      "provider_unreachable",
      `${ollamaTrouble(url, models)}; start it with: ollama serve.`,
      { details: { reason: `${ollamaTrouble(url, models)}.`, fix: "ollama serve" } },
    );
  throw new HearthError(
    "model_unavailable",
    `${ollamaTrouble(url, models)}; get one with: ollama pull qwen3-coder.`,
    { details: { reason: `${ollamaTrouble(url, models)}.`, fix: "ollama pull qwen3-coder" } },
  );
}

/** Why the Ollama that OLLAMA_HOST names has no model to give, without a full stop. `models`: what it answered. */
export const ollamaTrouble = (url: string, models: readonly string[] | undefined): string =>
  models === undefined
    ? `Ollama does not answer at ${url} (OLLAMA_HOST)`
    : `Ollama at ${url} (OLLAMA_HOST) has no model yet`;

/** Nobody has named a model: which one answers, hearth chooses. */
export const isModelUnnamed = ({ providerEnv, config }: NativeSettings): boolean =>
  settingOf(providerEnv, "HEARTH_MODEL") === undefined && config.model === undefined;

/**
 * The model for a turn: the one asked for, HEARTH_MODEL, the configuration's, the first usable provider's, a local
 * Ollama's, or the demo. Throws HearthError (model_unavailable, provider_auth, config_invalid, provider_unreachable).
 * Waits at most 150 ms for a local server, and only if nothing else is configured.
 */
export async function resolveModel(
  asked: string | null,
  settings: NativeSettings,
  probe: OllamaProbe,
): Promise<Resolved> {
  if (asked !== null) return specByName(asked, "asked for by the session", settings);
  const inEnvironment = settingOf(settings.providerEnv, "HEARTH_MODEL");
  if (inEnvironment !== undefined) return specByName(inEnvironment, "HEARTH_MODEL", settings);
  if (settings.config.model !== undefined)
    return specByName(settings.config.model, "model in hearth.jsonc", settings);
  return firstUsable(settings) ?? (await localModel(settings, probe));
}
