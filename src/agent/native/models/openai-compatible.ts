import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import type { ModelFetch } from "./connection.ts";
import { ModelFailure } from "./failure.ts";
import type { Model, ModelChunk, ModelRequest, PromptMessage } from "./model.ts";
import { createToolList, streamFromSdk } from "./sdk.ts";
import { familyOf, type ModelSpec, originOf, reasonsByName } from "./spec.ts";

/** Servers that answer 400 to a message with the field `reasoning_content`. Others are found out by trying. */
const refusesReasoning = /(^|\.)(groq\.com|cerebras\.ai|mistral\.ai)$/;

/**
 * Arguments as text: the package writes an object out with a slow replacer, again in every request. The change is
 * remembered per message, which the history keeps as long as the conversation.
 */
function createWriter() {
  const written = new WeakMap<PromptMessage, PromptMessage>();
  return (message: PromptMessage, dropsReasoning: boolean): PromptMessage => {
    if (message.role !== "assistant") return message;
    const known = dropsReasoning ? undefined : written.get(message);
    if (known) return known;
    const content = message.content
      .filter((part) => !(dropsReasoning && part.type === "reasoning"))
      .map((part) => (part.type === "tool-call" ? { ...part, input: JSON.stringify(part.input) } : part));
    const made = { ...message, content };
    if (!dropsReasoning) written.set(message, made);
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
  const model = createOpenAICompatible({
    // The key under which the package looks for our provider options; never shown.
    name: "compatible",
    baseURL: spec.baseUrl,
    ...(spec.apiKey === null ? {} : { apiKey: spec.apiKey }),
    headers: spec.headers,
    includeUsage: true,
    fetch,
    ...(needsBreakpoints ? { transformRequestBody: withBreakpoints } : {}),
  }).chatModel(spec.model);
  const origin = originOf(spec);
  const toolList = createToolList();
  const write = createWriter();
  let dropsReasoning = refusesReasoning.test(host);

  async function* send(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelChunk> {
    const messages = request.messages.map((message) => write(message, dropsReasoning));
    yield* streamFromSdk(
      model,
      {
        prompt: [{ role: "system", content: request.system }, ...messages],
        tools: toolList(request.tools),
        ...(spec.maxOutputTokens === null ? {} : { maxOutputTokens: spec.maxOutputTokens }),
      },
      origin,
      signal,
    );
  }

  return {
    id: spec.id,
    providerLabel: spec.label,
    family: familyOf(spec.model),
    reasons: reasonsByName(spec.model),
    takesPdf: false,
    cost: spec.cost,
    async *stream(request, signal) {
      try {
        yield* send(request, signal);
      } catch (error) {
        const isRefusal =
          error instanceof ModelFailure &&
          (error.status === 400 || error.status === 422) &&
          /reasoning/i.test(error.message);
        if (!isRefusal || dropsReasoning) throw error;
        dropsReasoning = true; // this server does not take reasoning back; it is only a help
        yield* send(request, signal);
      }
    },
  };
}
