import { createOpenAI } from "@ai-sdk/openai";
import type { Model, ModelRequest } from "../model.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { createExtras, responsesExtras } from "../request/extras.ts";
import { createLongTexts } from "../request/long-texts.ts";
import { createReasoningFallback } from "../request/reasoning-fallback.ts";
import { captureRequest, createToolList, type SdkDeps, streamFromSdk } from "../request/sdk.ts";
import { SEARCH_TOOL } from "../searches.ts";
import { type ModelSpec, modelOf, originOf } from "../spec.ts";
import { createResponsesReader } from "../wire/responses.ts";

const search = { type: "provider", id: "openai.web_search", name: SEARCH_TOOL, args: {} } as const;

/**
 * OpenAI itself, through the Responses API: newer models take tools only there, and encrypted reasoning can be sent
 * back without OpenAI storing it.
 */
export function openOpenAi(spec: ModelSpec, fetch: ModelFetch): Model {
  const shared = modelOf(spec);
  const thinks = /^(o[1-9]|gpt-[5-9]|codex|gpt-oss)/.test(spec.model);
  const longTexts = createLongTexts();
  const extras = createExtras(responsesExtras, { namedOnly: true });
  const model = createOpenAI({
    baseURL: spec.baseUrl,
    apiKey: spec.apiKey ?? "none", // never read from the daemon's own environment
    headers: spec.headers,
    fetch: captureRequest,
  }).responses(spec.model);
  const deps: SdkDeps = {
    fetch,
    createReader: createResponsesReader,
    origin: originOf(spec),
    list: "input",
    begin: extras.begin,
    lengthen: longTexts.lengthen,
  };
  const toolList = createToolList({ search: shared.traits.search === "none" ? undefined : search });
  const withFallback = createReasoningFallback(shared.traits);
  const send = (request: ModelRequest, signal: AbortSignal) =>
    streamFromSdk(
      model,
      {
        system: { role: "system", content: request.system },
        messages: request.messages,
        write: longTexts.shorten,
        tools: toolList(request.tools),
        ...(spec.maxOutputTokens === null ? {} : { maxOutputTokens: spec.maxOutputTokens }),
        providerOptions: {
          openai: {
            store: false,
            promptCacheKey: request.conversation,
            ...(thinks ? { reasoningSummary: "auto" } : {}),
            ...(spec.effort === null ? {} : { reasoningEffort: spec.effort, forceReasoning: true }),
          },
        },
      },
      { ...deps, observer: request.observer },
      signal,
    );
  return {
    ...shared,
    stream: (request, signal) =>
      withFallback(request, signal, (made, until) => extras.send(made, until, send)),
  };
}
