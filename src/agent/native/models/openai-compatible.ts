import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { createLongTexts } from "./long-texts.ts";
import type { Model, ModelRequest, PromptMessage } from "./model.ts";
import type { ModelFetch } from "./model-fetch.ts";
import { createReasoningFallback } from "./reasoning-fallback.ts";
import { createToolList, streamFromSdk, writtenOnly } from "./sdk.ts";
import { type ModelSpec, modelOf, originOf } from "./spec.ts";
import { createChatReader } from "./wire/chat.ts";

/** Servers that answer 400 to a message with the field `reasoning_content`. Others are found out by trying. */
const refusesReasoning = /(^|\.)(groq\.com|cerebras\.ai|mistral\.ai)$/;

/**
 * Arguments as text: the package writes an object out with a slow replacer, again in every request. The change is
 * remembered per message, which the history keeps as long as the conversation.
 */
function createWriter() {
  const written = new WeakMap<PromptMessage, PromptMessage>();
  return (message: PromptMessage): PromptMessage => {
    if (message.role !== "assistant") return message;
    const known = written.get(message);
    if (known) return known;
    const content = message.content.map((part) =>
      part.type === "tool-call" ? { ...part, input: JSON.stringify(part.input) } : part,
    );
    const made = { ...message, content };
    written.set(message, made);
    return made;
  };
}

type WireMessage = { role: string; content: unknown };
const isWireMessage = (value: unknown): value is WireMessage =>
  typeof value === "object" && value !== null && "role" in value && "content" in value;

/** OpenRouter passes Anthropic's cache breakpoints on where a content block carries them. */
function withBreakpoints(body: Record<string, unknown>): Record<string, unknown> {
  const messages = body["messages"];
  if (!Array.isArray(messages)) return body;
  const wire = messages.filter(isWireMessage);
  const marked = new Set([
    wire.find(({ role }) => role === "system"),
    ...wire.filter(({ role }) => role === "user" || role === "tool").slice(-2),
  ]);
  return {
    ...body,
    messages: wire.map((message) =>
      marked.has(message) && typeof message.content === "string"
        ? {
            ...message,
            content: [{ type: "text", text: message.content, cache_control: { type: "ephemeral" } }],
          }
        : message,
    ),
  };
}

/** Chat completions as most servers speak them: vLLM, llama.cpp, Ollama, LM Studio, OpenRouter, DeepSeek … */
export function openOpenAiCompatible(spec: ModelSpec, fetch: ModelFetch): Model {
  const host = new URL(spec.baseUrl).hostname;
  const needsBreakpoints = host.endsWith("openrouter.ai") && spec.model.startsWith("anthropic/");
  const longTexts = createLongTexts();
  const model = createOpenAICompatible({
    // The key under which the package looks for our provider options; never shown.
    name: "compatible",
    baseURL: spec.baseUrl,
    ...(spec.apiKey === null ? {} : { apiKey: spec.apiKey }),
    headers: spec.headers,
    includeUsage: true,
    fetch: longTexts.around(writtenOnly),
    ...(needsBreakpoints ? { transformRequestBody: withBreakpoints } : {}),
  }).chatModel(spec.model);
  const deps = { fetch, createReader: createChatReader, origin: originOf(spec) };
  const toolList = createToolList();
  const write = createWriter();
  const withFallback = createReasoningFallback("server", refusesReasoning.test(host));

  const send = (request: ModelRequest, signal: AbortSignal) =>
    streamFromSdk(
      model,
      {
        prompt: [
          { role: "system", content: request.system },
          ...longTexts.shorten(request.messages).map(write),
        ],
        tools: toolList(request.tools),
        ...(spec.maxOutputTokens === null ? {} : { maxOutputTokens: spec.maxOutputTokens }),
      },
      deps,
      signal,
    );

  return {
    ...modelOf(spec),
    takesPdf: false,
    stream: (request, signal) => withFallback(request, signal, send),
  };
}
