import type { ModelConfig, ProviderConfig } from "../../../../protocol/config.ts";
import { type Catalog, costOfCatalog, findModel } from "../catalog/catalog.ts";
import { type KnownProvider, knownProviders } from "../catalog/known-providers.ts";
import { shippedCatalog } from "../catalog/shipped.ts";
import { ollamaUrl } from "../local/ollama.ts";
import { type ModelCost, noCost } from "../model.ts";
import { isPrivateAddress } from "../network/private-address.ts";
import { type Figures, type ModelSpec, unknownFigures } from "../spec.ts";
import type { NativeSettings } from "./settings.ts";

type Key =
  | { value: string; from: string }
  /** What it prints is the key. */
  | { command: string; from: string }
  | { missing: string; variable: string | null };

/** A provider, which may lack its key. */
export type Provider = {
  name: string;
  label: string;
  type: ModelSpec["type"];
  baseUrl: string | undefined;
  addressFrom: string;
  /** `missing`: where the key should come from, in words; `variable`: the environment variable for it. */
  key: Key | null;
  headers: Readonly<Record<string, string>>;
  /** Models in the user's configuration. */
  listed: readonly string[];
  /** Models to offer if none are listed. */
  offered: readonly string[];
  configured: ProviderConfig | undefined;
};

export const settingOf = (env: Readonly<Record<string, string>>, name: string): string | undefined => {
  const value = env[name]?.trim();
  return value === undefined || value === "" ? undefined : value;
};
const withoutSlash = (url: string): string => url.replace(/\/+$/, "");

/** A known provider's address: from its own tools' variable, completed as they do. */
function addressOf(known: KnownProvider, env: NativeSettings["providerEnv"]): { url: string; from: string } {
  const given = settingOf(env, known.baseName);
  if (given === undefined) return { url: known.baseUrl, from: known.baseName };
  const url = withoutSlash(given);
  const isComplete = known.baseSuffix === "" || url.endsWith(known.baseSuffix);
  return { url: isComplete ? url : url + known.baseSuffix, from: known.baseName };
}

export const hostOf = (url: string | undefined): string | undefined => {
  try {
    return url === undefined ? undefined : new URL(url).host;
  } catch {
    return undefined; // using the provider reports it in full
  }
};

function keyInEnvironment(known: KnownProvider, env: NativeSettings["providerEnv"]): Key {
  for (const name of known.keyNames) {
    const value = settingOf(env, name);
    if (value !== undefined) return { value, from: name };
  }
  const [name = ""] = known.keyNames;
  return { missing: name, variable: name };
}

/** The key of `hearth login`, where there is no nearer one and it was given for this host. */
function keptInstead(
  key: Key | null,
  name: string,
  baseUrl: string | undefined,
  keys: NativeSettings["keys"],
): Key | null {
  const kept = keys?.[name];
  if (kept === undefined || (key !== null && !("missing" in key)) || hostOf(baseUrl) !== kept.host)
    return key;
  return { value: kept.key, from: `hearth login ${name}` };
}

function configuredProvider(
  name: string,
  config: ProviderConfig,
  { providerEnv: env, keys }: NativeSettings,
): Provider {
  const known = knownProviders.find((candidate) => candidate.name === name);
  const address = known === undefined ? undefined : addressOf(known, env);
  const typeDefault = knownProviders.find(({ type }) => type === config.type && type !== "openai-compatible");
  const baseUrl = config.base_url ?? address?.url ?? typeDefault?.baseUrl;
  const given = config.api_key;
  const variable = given?.startsWith("env:") ? given.slice("env:".length) : undefined;
  const from = `providers.${name}.api_key`;
  let key: Provider["key"] = null;
  if (variable !== undefined) {
    const value = settingOf(env, variable);
    key =
      value === undefined
        ? { missing: `${variable} (named by ${from})`, variable }
        : { value, from: `${variable}, named by ${from}` };
  } else if (given?.startsWith("cmd:")) key = { command: given.slice("cmd:".length).trim(), from };
  else if (given !== undefined && given !== "") key = { value: given, from };
  // A key from the environment is only sent to its own provider's host, whatever address is configured.
  else if (known !== undefined && hostOf(baseUrl) === hostOf(address?.url))
    key = keyInEnvironment(known, env);
  else if (config.base_url === undefined) key = { missing: from, variable: null };
  if (given === undefined || given === "") key = keptInstead(key, name, baseUrl, keys);
  return {
    name,
    label: known?.label ?? name,
    type: config.type,
    baseUrl: baseUrl === undefined ? undefined : withoutSlash(baseUrl),
    addressFrom:
      config.base_url === undefined && known !== undefined ? known.baseName : `providers.${name}.base_url`,
    key,
    headers: config.headers ?? {},
    listed: Object.keys(config.models ?? {}),
    offered: known?.models ?? [],
    configured: config,
  };
}

function environmentProvider(known: KnownProvider, { providerEnv: env, keys }: NativeSettings): Provider {
  const address = addressOf(known, env);
  const key = keptInstead(keyInEnvironment(known, env), known.name, address.url, keys);
  // A local server in the provider's place may need no key.
  const isElsewhere = address.url !== known.baseUrl;
  return {
    name: known.name,
    label: known.label,
    type: known.type,
    baseUrl: address.url,
    addressFrom: address.from,
    key: key !== null && "missing" in key && isElsewhere ? null : key,
    headers: {},
    listed: [],
    offered: known.models,
    configured: undefined,
  };
}

export const ollamaName = "ollama";
export function ollamaProvider(env: NativeSettings["providerEnv"], models: readonly string[]): Provider {
  const value = settingOf(env, "OLLAMA_API_KEY");
  return {
    name: ollamaName,
    label: "Ollama",
    type: "openai-compatible",
    baseUrl: `${ollamaUrl(settingOf(env, "OLLAMA_HOST"))}/v1`,
    addressFrom: "OLLAMA_HOST",
    key: value === undefined ? null : { value, from: "OLLAMA_API_KEY" },
    headers: {},
    listed: [],
    offered: models,
    configured: undefined,
  };
}

/** All providers by name: those in the configuration, in its order, then those with a known key. */
export function providersOf(settings: NativeSettings): Provider[] {
  const { config, providerEnv } = settings;
  const configured = Object.entries(config.providers ?? {}).map(([name, provider]) =>
    configuredProvider(name, provider, settings),
  );
  const names = new Set(configured.map(({ name }) => name));
  const others = knownProviders
    .filter(({ name }) => !names.has(name))
    .map((known) => environmentProvider(known, settings));
  const ollama = names.has(ollamaName) ? [] : [ollamaProvider(providerEnv, [])];
  return [...configured, ...others, ...ollama];
}

export const hasKey = ({ key }: Provider): boolean => key !== null && !("missing" in key);
/** It can be used: configured, or with a known key. */
export const isUsable = (provider: Provider): boolean =>
  provider.configured !== undefined ? provider.key === null || hasKey(provider) : hasKey(provider);

/** The list of models in force: the refreshed one, or the one that hearth ships with. */
export const catalogOf = ({ catalog }: Pick<NativeSettings, "catalog">): Catalog => catalog ?? shippedCatalog;

/** A model on a machine of the user's has the window that its server gives it, not what it was trained for. */
const isOwnServer = ({ baseUrl }: Provider): boolean =>
  baseUrl !== undefined && URL.canParse(baseUrl) && isPrivateAddress(baseUrl);

const pricesOf = (given: NonNullable<ModelConfig["cost"]>): ModelCost =>
  costOfCatalog({ ...given, input: given.input ?? 0, output: given.output ?? 0 });

/** A model's figures and price: the configuration's, else the catalogue's. An unknown price is not shown as zero. */
export function figuresOf(
  provider: Provider,
  model: string,
  catalog: Catalog,
): Figures & { cost: ModelCost; isGuess: boolean } {
  const found = findModel(catalog, provider.name, model);
  const given = provider.configured?.models?.[model];
  const isLimited = found === undefined || (found.isGuess && isOwnServer(provider));
  return {
    ...unknownFigures,
    ...(found === undefined
      ? {}
      : {
          // A relative may see where this model does not, and the other way round: its server will say.
          abilities: found.isGuess ? null : found.abilities,
          efforts: found.efforts,
          thinkingBudget: found.thinking_budget ?? null,
        }),
    ...(isLimited ? {} : { contextWindow: found.context_window, outputLimit: found.max_output_tokens }),
    ...(given?.context_window === undefined ? {} : { contextWindow: given.context_window }),
    ...(given?.max_output_tokens === undefined ? {} : { maxOutputTokens: given.max_output_tokens }),
    ...(given?.abilities === undefined ? {} : { abilities: given.abilities }),
    ...(given?.efforts === undefined ? {} : { efforts: given.efforts }),
    cost: given?.cost === undefined ? (found?.cost ?? noCost) : pricesOf(given.cost),
    isGuess: found?.isGuess ?? false,
  };
}
