import { createOpenAI } from "@ai-sdk/openai";
import { createLongTexts } from "./long-texts.ts";
import type { Model, ModelRequest } from "./model.ts";
import type { ModelFetch } from "./model-fetch.ts";
import { createReasoningFallback } from "./reasoning-fallback.ts";
import { createToolList, streamFromSdk, writtenOnly } from "./sdk.ts";
import { type ModelSpec, modelOf, originOf } from "./spec.ts";
import { createChatReader } from "./wire/chat.ts";
import { createResponsesReader } from "./wire/responses.ts";

/**
 * OpenAI itself is spoken to by the Responses API: newer models take tools only there, and their reasoning comes
 * back encrypted and can be carried forward without OpenAI storing it. Another address gets chat completions,
 * which is what proxies have.
 */
export function openOpenAi(spec: ModelSpec, fetch: ModelFetch): Model {
  const longTexts = createLongTexts();
  const provider = createOpenAI({
    baseURL: spec.baseUrl,
    apiKey: spec.apiKey ?? "none", // never read from the daemon's own environment
    headers: spec.headers,
    fetch: longTexts.around(writtenOnly),
  });
  const isOpenAiItself = new URL(spec.baseUrl).hostname === "api.openai.com";
  const model = isOpenAiItself ? provider.responses(spec.model) : provider.chat(spec.model);
  const createReader = isOpenAiItself ? createResponsesReader : createChatReader;
  const deps = { fetch, createReader, origin: originOf(spec) };
  const toolList = createToolList();
  const withFallback = createReasoningFallback("conversation");
  const send = (request: ModelRequest, signal: AbortSignal) =>
    streamFromSdk(
      model,
      {
        prompt: [{ role: "system", content: request.system }, ...longTexts.shorten(request.messages)],
        tools: toolList(request.tools),
        ...(spec.maxOutputTokens === null ? {} : { maxOutputTokens: spec.maxOutputTokens }),
        providerOptions: {
          openai: isOpenAiItself
            ? { store: false, promptCacheKey: request.conversation }
            : { systemMessageMode: "system" },
        },
      },
      deps,
      signal,
    );
  return {
    ...modelOf(spec),
    takesPdf: true,
    stream: (request, signal) => withFallback(request, signal, send),
  };
}
