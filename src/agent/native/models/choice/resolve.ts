import { DEMO_MODEL } from "../../../../protocol/demo-model.ts";
import { HearthError } from "../../../../protocol/errors.ts";
import { efforts, splitEffort } from "../../../../protocol/model-effort.ts";
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

/** A model, before anything is said of how hard it thinks. */
type Found = { kind: "spec"; spec: Omit<ModelSpec, "effort"> } | { kind: "demo" };

const inWords = (names: readonly string[]): string => (names.length === 0 ? "none" : names.join(", "));

function specOf(provider: Provider, model: string, settings: NativeSettings): Omit<ModelSpec, "effort"> {
  const { name, listed, key, baseUrl } = provider;
  // A server's own list may be a part of what it takes: then it says so itself.
  if (listed.length > 0 && !listed.includes(model) && settings.listedByServer?.has(name) !== true)
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
    apiKey: key !== null && "value" in key ? key.value : null,
    keyCommand: key !== null && "command" in key ? key.command : null,
    keyFrom: key?.from ?? null,
    headers: provider.headers,
    search: settings.config.tools?.search === "provider",
    windowFrom: settings.servedWindows?.get(`${name}/${model}`),
    ...figures,
  };
}

function noKey({ name, label, configured }: Provider, key: { missing: string; variable: string | null }) {
  const inFile = `providers.${name}.api_key in hearth.jsonc`;
  const inTerminal = `${key.missing} in the environment of your terminal`;
  const where =
    key.variable === null ? inFile : configured === undefined ? `${inTerminal} or ${inFile}` : inTerminal;
  // What the configuration names is what counts.
  const other =
    configured?.api_key === undefined ? `, or run: hearth login ${name} (here: /login ${name})` : "";
  return new HearthError("provider_auth", `${label} needs a key: set ${where}${other}.`, {
    details: { variable: key.variable },
  });
}

/** Resolves a model name from a person. Throws HearthError naming the models there are. */
function specByName(asked: string, from: string, settings: NativeSettings): Found {
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
function firstUsable(settings: NativeSettings): Found | undefined {
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

async function localModel(settings: NativeSettings, probe: OllamaProbe): Promise<Found> {
  const host = settingOf(settings.providerEnv, "OLLAMA_HOST");
  const url = ollamaUrl(host);
  const models = await probe(url, host !== undefined);
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

/** Throws model_unavailable, naming the efforts that there are. */
function checkedEffort(
  { id, efforts: offered, abilities }: Omit<ModelSpec, "effort">,
  effort: string,
): string {
  if (offered.includes(effort)) return effort;
  const isKnown = offered.length > 0 || abilities !== null;
  // Of a model that nobody has described, its server will say.
  if (!isKnown && efforts.some((known) => known === effort)) return effort;
  const has =
    offered.length > 0
      ? `${id} has ${inWords(offered)}`
      : isKnown
        ? `${id} cannot be told how hard to think`
        : `there are ${inWords(efforts)}`;
  throw new HearthError("model_unavailable", `There is no effort "${effort}" for this model: ${has}.`);
}

/**
 * The model for a turn: the one asked for, HEARTH_MODEL, the configuration's, the first usable provider's, a local
 * Ollama's, or the demo. Each may carry an effort (`model@effort`); an effort alone is for the model that comes next.
 * Throws HearthError (model_unavailable, provider_auth, config_invalid, provider_unreachable). Waits at most 150 ms (2 s where it is named) for
 * a local server, and only if nothing else is configured.
 */
export async function resolveModel(
  asked: string | null,
  settings: NativeSettings,
  probe: OllamaProbe,
): Promise<Resolved> {
  const named = [
    { name: asked ?? undefined, from: "asked for by the session" },
    { name: settingOf(settings.providerEnv, "HEARTH_MODEL"), from: "HEARTH_MODEL" },
    { name: settings.config.model, from: "model in hearth.jsonc" },
  ].flatMap(({ name, from }) => (name === undefined ? [] : [{ name, from }]));
  const listed = new Set(
    providersOf(settings).flatMap((each) => each.listed.flatMap((model) => [model, `${each.name}/${model}`])),
  );
  let effort: string | null | undefined;
  for (const { name, from } of named) {
    // A name that the configuration lists is a name, whatever stands in it.
    const parts = listed.has(name) ? { model: name, effort: null } : splitEffort(name);
    effort ??= parts.effort;
    if (parts.model === null) continue;
    return withItsEffort(specByName(parts.model, from, settings), effort);
  }
  return withItsEffort(firstUsable(settings) ?? (await localModel(settings, probe)), effort ?? null);
}

function withItsEffort(found: Found, effort: string | null): Resolved {
  if (found.kind === "demo") return found;
  const { spec } = found;
  return { kind: "spec", spec: { ...spec, effort: effort === null ? null : checkedEffort(spec, effort) } };
}
