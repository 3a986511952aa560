import { createBoundedMap } from "../../bounded-map.ts";
import type { Connections } from "./connection.ts";
import type { Model } from "./model.ts";
import type { ModelFetch } from "./model-fetch.ts";
import { isOllama, withOllamaWindow } from "./ollama-window.ts";
import type { ModelSpec } from "./spec.ts";
import { wireOf } from "./traits.ts";

/** Loads the provider package of a family: each costs tens of milliseconds and a megabyte, so only when used. */
async function familyOpener(type: ModelSpec["type"]) {
  switch (type) {
    case "openai-compatible":
      return (await import("./openai-compatible.ts")).openOpenAiCompatible;
    case "openai":
      return (await import("./openai.ts")).openOpenAi;
    case "anthropic":
      return (await import("./anthropic.ts")).openAnthropic;
    case "google":
      return (await import("./google.ts")).openGoogle;
  }
}

/** More than anyone uses at once; beyond it the oldest is forgotten, which only costs making it again. */
const OPEN_MODELS_MAX = 32;

/** Opens models and keeps them: what a model has learnt about its server lasts as long as its settings do. */
export function createModelOpener(connections: Connections) {
  const opened = createBoundedMap<string, { model: Model; fetch: ModelFetch }>(OPEN_MODELS_MAX);
  return {
    /** `env` is the run's: its proxy settings count. */
    async open(spec: ModelSpec, env: Readonly<Record<string, string>>): Promise<Model> {
      const [opener, fetch] = await Promise.all([familyOpener(wireOf(spec)), connections.fetchFor(env)]);
      const key = JSON.stringify(spec);
      const known = opened.get(key);
      if (known?.fetch === fetch) return known.model;
      const plain = opener(spec, fetch);
      const model = isOllama(spec) ? withOllamaWindow(plain, spec, fetch) : plain;
      opened.set(key, { model, fetch });
      return model;
    },
  };
}
export type ModelOpener = ReturnType<typeof createModelOpener>;
