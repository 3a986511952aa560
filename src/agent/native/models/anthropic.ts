import { createAnthropic } from "@ai-sdk/anthropic";
import { createLongTexts } from "./long-texts.ts";
import type { Model, ModelRequest, PromptMessage } from "./model.ts";
import type { ModelFetch } from "./model-fetch.ts";
import { createReasoningFallback } from "./reasoning-fallback.ts";
import { createToolList, streamFromSdk, writtenOnly } from "./sdk.ts";
import { familyOf, type ModelSpec, modelOf, originOf } from "./spec.ts";
import { createAnthropicReader } from "./wire/anthropic.ts";

/** Room for a long file in one call; the package lowers it to what an older model can do. */
const CLAUDE_OUTPUT_TOKENS = 32_000;
const OTHER_OUTPUT_TOKENS = 16_000;

const breakpoint = { anthropic: { cacheControl: { type: "ephemeral" } } } as const;

/**
 * The last two messages that Anthropic sees as the user's end the cached prefix: the older one is read, the
 * newer one is written. Results of one step and a note after them are one message there.
 */
export function markLastUserMessages(messages: readonly PromptMessage[]): PromptMessage[] {
  const marked = [...messages];
  let left = 2;
  for (let at = messages.length - 1; at >= 0 && left > 0; at -= 1) {
    const message = messages[at];
    if (message === undefined || message.role === "assistant") continue;
    const endsGroup = messages[at + 1] === undefined || messages[at + 1]?.role === "assistant";
    if (!endsGroup) continue;
    left -= 1;
    marked[at] = { ...message, providerOptions: breakpoint };
  }
  return marked;
}

/** Thinks as much as it finds right, says a summary of it, and takes its thinking back. */
function thinkingOf(model: string) {
  const isAdaptive = /claude-(sonnet|opus)-4-[6-9]|claude-(opus|sonnet|haiku|fable|mythos)-[5-9]/.test(model);
  if (!isAdaptive) return {};
  if (/-4-6/.test(model)) return { thinking: { type: "adaptive" } };
  // These refuse a whole request when anything before a thinking block has changed, and a restarted daemon may
  // describe the environment anew: losing old thinking is better than losing the session.
  const isBound = /claude-(opus|sonnet|haiku)-5-[5-9]|claude-(fable|mythos)-5-[1-9]/.test(model);
  return {
    thinking: {
      type: "adaptive",
      display: "summarized",
      ...(isBound ? { blockBinding: { prefixMismatchBehavior: "drop_block" } } : {}),
    },
  };
}

/** Anthropic's Messages API, or another server that speaks it. */
export function openAnthropic(spec: ModelSpec, fetch: ModelFetch): Model {
  const longTexts = createLongTexts();
  const model = createAnthropic({
    baseURL: spec.baseUrl,
    apiKey: spec.apiKey ?? "none", // never read from the daemon's own environment
    headers: spec.headers,
    fetch: longTexts.around(writtenOnly),
  }).languageModel(spec.model);
  const deps = { fetch, createReader: createAnthropicReader, origin: originOf(spec) };
  const toolList = createToolList((last) => ({ ...last, providerOptions: breakpoint }));
  const family = familyOf(spec.model);
  const maxOutputTokens =
    spec.maxOutputTokens ?? (family === "claude" ? CLAUDE_OUTPUT_TOKENS : OTHER_OUTPUT_TOKENS);
  const providerOptions = { anthropic: thinkingOf(spec.model) };
  const withFallback = createReasoningFallback("conversation");
  const send = (request: ModelRequest, signal: AbortSignal) =>
    streamFromSdk(
      model,
      {
        prompt: [
          { role: "system", content: request.system, providerOptions: breakpoint },
          ...markLastUserMessages(longTexts.shorten(request.messages)),
        ],
        tools: toolList(request.tools),
        maxOutputTokens,
        providerOptions,
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
