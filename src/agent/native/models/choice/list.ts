import type { KnownModel } from "../../../../protocol/known-model.ts";
import { type OllamaProbe, ollamaUrl } from "../local/ollama.ts";
import { type ModelCost, noCost } from "../model.ts";
import {
  catalogOf,
  figuresOf,
  isUsable,
  ollamaName,
  ollamaProvider,
  type Provider,
  providersOf,
  settingOf,
} from "./providers.ts";
import type { NativeSettings } from "./settings.ts";

const priced = ({ tiers, ...cost }: ModelCost): NonNullable<KnownModel["cost"]> =>
  tiers === undefined ? cost : { ...cost, tiers: [...tiers] };

/** All models that are known by name: the configuration's, the catalogue's, a local Ollama's. */
export async function listModels(settings: NativeSettings, probe: OllamaProbe): Promise<KnownModel[]> {
  const catalog = catalogOf(settings);
  const host = settingOf(settings.providerEnv, "OLLAMA_HOST");
  const local = (await probe(ollamaUrl(host), host !== undefined)) ?? [];
  const providers = providersOf(settings).map((provider) =>
    provider.name === ollamaName && provider.configured === undefined
      ? ollamaProvider(settings.providerEnv, local)
      : provider,
  );
  const describe = (provider: Provider, model: string): KnownModel => {
    const { contextWindow, maxOutputTokens, outputLimit, abilities, efforts, cost } = figuresOf(
      provider,
      model,
      catalog,
    );
    return {
      id: `${provider.name}/${model}`,
      provider: provider.name,
      name: catalog.providers[provider.name]?.[model]?.name ?? model,
      usable: isUsable(provider) || provider.name === ollamaName,
      context_window: contextWindow,
      max_output_tokens: maxOutputTokens ?? outputLimit,
      abilities: abilities === null ? null : [...abilities],
      efforts: [...efforts],
      cost: cost === noCost ? null : priced(cost),
    };
  };
  return providers.flatMap((provider) => {
    const { listed, offered, name } = provider;
    const names = listed.length > 0 ? listed : [...offered, ...Object.keys(catalog.providers[name] ?? {})];
    return [...new Set(names)].map((model) => describe(provider, model));
  });
}
