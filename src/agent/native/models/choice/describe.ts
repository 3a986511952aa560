import type { AgentModel } from "../../../../protocol/agent.ts";
import { HearthError } from "../../../../protocol/errors.ts";
import { createOllamaProbe, type OllamaProbe, ollamaUrl } from "../local/ollama.ts";
import {
  catalogOf,
  figuresOf,
  isUsable,
  ollamaName,
  ollamaProvider,
  providersOf,
  settingOf,
} from "./providers.ts";
import { demoModelId, isModelUnnamed, ollamaTrouble, resolveModel } from "./resolve.ts";
import type { NativeSettings } from "./settings.ts";

export type ModelsDescription = {
  models: AgentModel[];
  /** Providers with no other models than these. */
  closedProviders: string[];
  /** The default model; null if none works. */
  default: string | null;
  ready: boolean;
  /** Why the agent is not ready, one sentence. */
  reason: string | null;
  fix: string | null;
  /** Another provider answers than the one that the environment names. */
  notice?: string;
};

const fixes: Readonly<Record<string, string>> = {
  provider_auth: "hearth config path",
  model_unavailable: "hearth config show",
  config_invalid: "hearth config path",
};

/** Describes hearth's own agent for the agent registry. Waits for a local server at most 150 ms, for one that is named 2 s. */
export async function describeModels(
  settings: NativeSettings,
  probe: OllamaProbe = createOllamaProbe(Date.now),
): Promise<ModelsDescription> {
  const host = settingOf(settings.providerEnv, "OLLAMA_HOST");
  const usable = providersOf(settings).filter(isUsable);
  const wantsLocal = host !== undefined || usable.length === 0;
  const answered = wantsLocal ? await probe(ollamaUrl(host), host !== undefined) : undefined;
  const local = answered ?? [];
  const providers =
    local.length > 0
      ? [...usable.filter(({ name }) => name !== ollamaName), ollamaProvider(settings.providerEnv, local)]
      : usable;
  const models = providers.flatMap((provider) =>
    (provider.listed.length > 0 ? provider.listed : provider.offered).map((model): AgentModel => {
      const { contextWindow, efforts } = figuresOf(provider, model, catalogOf(settings));
      return {
        id: `${provider.name}/${model}`,
        name: `${model} · ${provider.label}`,
        context_window: contextWindow,
        ...(efforts.length === 0 ? {} : { efforts: [...efforts] }),
      };
    }),
  );
  const closedProviders = providers.flatMap(({ name, listed }) => (listed.length > 0 ? [name] : []));
  models.push({ id: demoModelId, name: "Built-in demo (scripted, offline)", context_window: null });
  try {
    const resolved = await resolveModel(null, settings, probe);
    const id = resolved.kind === "demo" ? demoModelId : resolved.spec.id;
    if (!models.some((model) => model.id === id) && resolved.kind === "spec")
      models.unshift({
        id,
        name: `${resolved.spec.model} · ${resolved.spec.label}`,
        context_window: resolved.spec.contextWindow,
        ...(resolved.spec.efforts.length === 0 ? {} : { efforts: [...resolved.spec.efforts] }),
      });
    const isAstray = host !== undefined && local.length === 0 && isModelUnnamed(settings);
    const url = ollamaUrl(host);
    return {
      ...{ models, closedProviders, default: id, ready: true, reason: null, fix: null },
      // One at a distance is asked when it is used.
      ...(isAstray && url.startsWith("http://")
        ? { notice: `${ollamaTrouble(url, answered)}: ${id} answers instead.` }
        : {}),
    };
  } catch (error) {
    if (!(error instanceof HearthError)) throw error;
    const { variable, reason, fix: known } = error.details;
    const fix = typeof variable === "string" ? `export ${variable}=…` : (known ?? fixes[error.code]);
    return {
      models,
      closedProviders,
      default: null,
      ready: false,
      // The fix stands beside it.
      reason: typeof reason === "string" ? reason : error.message,
      fix: typeof fix === "string" ? fix : null,
    };
  }
}
