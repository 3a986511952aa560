import { createGoogle } from "@ai-sdk/google";
import type { Model } from "../model.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { createLongTexts } from "../request/long-texts.ts";
import { captureRequest, createToolList, streamFromSdk } from "../request/sdk.ts";
import { type ModelSpec, modelOf, originOf } from "../spec.ts";
import { createGoogleReader } from "../wire/google.ts";

/** The Gemini API. Thought signatures stay with their parts. */
export function openGoogle(spec: ModelSpec, fetch: ModelFetch): Model {
  const longTexts = createLongTexts();
  const model = createGoogle({
    baseURL: spec.baseUrl,
    apiKey: spec.apiKey ?? "none", // never read from the daemon's own environment
    headers: { ...spec.headers },
    fetch: longTexts.around(captureRequest),
  }).languageModel(spec.model);
  const deps = { fetch, createReader: createGoogleReader, origin: originOf(spec) };
  const toolList = createToolList();
  const thinks = /gemini-(2\.5|[3-9])/.test(spec.model);
  return {
    ...modelOf(spec),
    stream: (request, signal) =>
      streamFromSdk(
        model,
        {
          prompt: [{ role: "system", content: request.system }, ...longTexts.shorten(request.messages)],
          tools: toolList(request.tools),
          ...(spec.maxOutputTokens === null ? {} : { maxOutputTokens: spec.maxOutputTokens }),
          ...(thinks ? { providerOptions: { google: { thinkingConfig: { includeThoughts: true } } } } : {}),
        },
        deps,
        signal,
      ),
  };
}
