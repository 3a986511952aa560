import { createGoogle } from "@ai-sdk/google";
import type { Model, ModelRequest } from "../model.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { budgetFor } from "../request/effort.ts";
import { createExtras, googleExtras } from "../request/extras.ts";
import { createLongTexts } from "../request/long-texts.ts";
import { captureRequest, createToolList, type SdkDeps, streamFromSdk } from "../request/sdk.ts";
import { SEARCH_TOOL } from "../searches.ts";
import { type ModelSpec, modelOf, originOf } from "../spec.ts";
import { createGoogleReader } from "../wire/google.ts";

const search = { type: "provider", id: "google.google_search", name: SEARCH_TOOL, args: {} } as const;

type ThinkingConfig = { includeThoughts: true; thinkingBudget?: number; thinkingLevel?: Level };
type Level = (typeof levels)[number];
const levels = ["minimal", "low", "medium", "high"] as const;

/** Gemini 2.5 takes a number of tokens, later ones a word. */
function thinkingConfigOf(spec: ModelSpec): ThinkingConfig | undefined {
  const { effort } = spec;
  const thinks = /gemini-(2\.5|[3-9])/.test(spec.model) || effort !== null;
  if (!thinks) return undefined;
  if (effort === null) return { includeThoughts: true };
  if (spec.thinkingBudget !== null || /gemini-2\.5/.test(spec.model))
    return {
      includeThoughts: true,
      thinkingBudget: budgetFor(effort, spec, spec.maxOutputTokens ?? spec.outputLimit ?? 65_536),
    };
  return { includeThoughts: true, thinkingLevel: levels.find((level) => level === effort) ?? "high" };
}

/** The Gemini API. Thought signatures stay with their parts. */
export function openGoogle(spec: ModelSpec, fetch: ModelFetch): Model {
  const longTexts = createLongTexts();
  const extras = createExtras(googleExtras, { namedOnly: true });
  const model = createGoogle({
    baseURL: spec.baseUrl,
    apiKey: spec.apiKey ?? "none", // never read from the daemon's own environment
    headers: { ...spec.headers },
    fetch: captureRequest,
  }).languageModel(spec.model);
  const deps: SdkDeps = {
    fetch,
    createReader: createGoogleReader,
    origin: originOf(spec),
    list: "contents",
    begin: extras.begin,
    lengthen: longTexts.lengthen,
  };
  const shared = modelOf(spec);
  const toolList = createToolList({ search: shared.traits.search === "none" ? undefined : search });
  const thinking = thinkingConfigOf(spec);
  const send = (request: ModelRequest, signal: AbortSignal) =>
    streamFromSdk(
      model,
      {
        system: { role: "system", content: request.system },
        messages: request.messages,
        write: longTexts.shorten,
        tools: toolList(request.tools),
        ...(spec.maxOutputTokens === null ? {} : { maxOutputTokens: spec.maxOutputTokens }),
        ...(thinking === undefined ? {} : { providerOptions: { google: { thinkingConfig: thinking } } }),
      },
      { ...deps, observer: request.observer },
      signal,
    );
  return {
    ...shared,
    stream: (request, signal) => extras.send(request, signal, send),
  };
}
