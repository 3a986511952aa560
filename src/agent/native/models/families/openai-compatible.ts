import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { Model, ModelRequest } from "../model.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { markLast, systemMark, withBreakpoints } from "../request/chat-breakpoints.ts";
import { createMessageWriter } from "../request/chat-messages.ts";
import { effortFields } from "../request/effort.ts";
import { chatExtras, createExtras } from "../request/extras.ts";
import { createLongTexts } from "../request/long-texts.ts";
import { createReasoningFallback, type ReasoningSent } from "../request/reasoning-fallback.ts";
import { captureRequest, createToolList, streamFromSdk } from "../request/sdk.ts";
import { familyOf, type ModelSpec, modelOf, originOf } from "../spec.ts";
import { createChatReader } from "../wire/chat.ts";

/** openrouter.ai/docs/guides/features/server-tools/web-search */
const search = { type: "openrouter:web_search" } as const;

/** Chat completions, spoken by most servers: vLLM, llama.cpp, Ollama, LM Studio, OpenRouter, DeepSeek … */
export function openOpenAiCompatible(spec: ModelSpec, fetch: ModelFetch): Model {
  const shared = modelOf(spec);
  const { traits } = shared;
  const host = new URL(spec.baseUrl).hostname;
  const needsBreakpoints = host.endsWith("openrouter.ai") && spec.model.startsWith("anthropic/");
  const longTexts = createLongTexts();
  const extras = createExtras(chatExtras, { namedOnly: true });
  const model = createOpenAICompatible({
    // The package looks for our provider options under this key; never shown.
    name: "compatible",
    baseURL: spec.baseUrl,
    ...(spec.apiKey === null ? {} : { apiKey: spec.apiKey }),
    headers: spec.headers,
    includeUsage: true,
    fetch: captureRequest,
    transformRequestBody: (body: Record<string, unknown>) => {
      const { tools } = body;
      const made = {
        ...{ ...traits.body, ...effortFields(traits.effortField, spec), ...body },
        ...(traits.search === "openrouter" && Array.isArray(tools) && { tools: [search, ...tools] }),
      };
      return needsBreakpoints ? withBreakpoints(made) : made;
    },
  }).chatModel(spec.model);
  const origin = originOf(spec);
  // Servers of Claude, GPT and Gemini always parse thinking and calls themselves.
  const isOpen = familyOf(spec.model) === "open";
  const readerFor = ({ tools }: ModelRequest) =>
    createChatReader(isOpen ? new Set(tools.map(({ name }) => name)) : undefined, {
      hasSearch: traits.search !== "none",
    });
  const toolList = createToolList();
  const write = createMessageWriter(traits.reasoningField);
  const withFallback = createReasoningFallback(traits);

  const ask = (request: ModelRequest, signal: AbortSignal, sent: ReasoningSent) => {
    const mark = markLast(needsBreakpoints ? request.messages : []);
    return streamFromSdk(
      model,
      {
        system: { role: "system", content: request.system, ...(needsBreakpoints ? systemMark : {}) },
        messages: request.messages,
        write: (message) => mark(write(longTexts.shorten(message), sent), message),
        tools: toolList(request.tools),
        ...(spec.maxOutputTokens === null ? {} : { maxOutputTokens: spec.maxOutputTokens }),
      },
      {
        ...{ fetch, createReader: () => readerFor(request), origin, observer: request.observer },
        ...{ list: "messages", begin: extras.begin, lengthen: longTexts.lengthen },
      },
      signal,
    );
  };

  return {
    ...shared,
    stream: (request, signal) =>
      withFallback(request, signal, (made, until, sent) =>
        extras.send(made, until, (again, stopped) => ask(again, stopped, sent)),
      ),
  };
}
