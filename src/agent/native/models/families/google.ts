import { createGoogle } from "@ai-sdk/google";
import type { Model } from "../model.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { createLongTexts } from "../request/long-texts.ts";
import { captureRequest, createToolList, type SdkDeps, streamFromSdk } from "../request/sdk.ts";
import { type ModelSpec, modelOf, originOf } from "../spec.ts";
import { createGoogleReader } from "../wire/google.ts";

/** The Gemini API. Thought signatures stay with their parts. */
export function openGoogle(spec: ModelSpec, fetch: ModelFetch): Model {
  const longTexts = createLongTexts();
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

    lengthen: longTexts.lengthen,
  };
  const toolList = createToolList();
  const thinks = /gemini-(2\.5|[3-9])/.test(spec.model);
  return {
    ...modelOf(spec),
    stream: (request, signal) =>
      streamFromSdk(
        model,
        {
          system: { role: "system", content: request.system },
          messages: request.messages,
          write: longTexts.shorten,
          tools: toolList(request.tools),
          ...(spec.maxOutputTokens === null ? {} : { maxOutputTokens: spec.maxOutputTokens }),
          ...(thinks ? { providerOptions: { google: { thinkingConfig: { includeThoughts: true } } } } : {}),
        },
        deps,
        signal,
      ),
  };
}
