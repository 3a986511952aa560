import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4Usage,
} from "@ai-sdk/provider";
import type { Usage } from "../../../protocol/usage.ts";
import { failureOf, failureOfCut, failureOfEvent, type RequestOrigin } from "./failure.ts";
import type { ModelChunk, ModelTool } from "./model.ts";

/** What a family adds to a request of the provider packages. */
export type SdkCall = {
  prompt: LanguageModelV4Prompt;
  tools: LanguageModelV4FunctionTool[];
  maxOutputTokens?: number | undefined;
  providerOptions?: LanguageModelV4CallOptions["providerOptions"];
  headers?: Record<string, string>;
};

/**
 * Gives the package's form of a tool list, the same one as long as the tools are, so that the request's prefix
 * stays what it was. `mark` may add to the last tool.
 */
export function createToolList(mark?: (last: LanguageModelV4FunctionTool) => LanguageModelV4FunctionTool) {
  let source: readonly ModelTool[] | undefined;
  let made: LanguageModelV4FunctionTool[] = [];
  return (tools: readonly ModelTool[]): LanguageModelV4FunctionTool[] => {
    if (tools === source) return made;
    source = tools;
    made = tools.map(({ name, description, input_schema }, at) => {
      const inputSchema = input_schema as LanguageModelV4FunctionTool["inputSchema"];
      const tool: LanguageModelV4FunctionTool = { type: "function", name, description, inputSchema };
      return mark !== undefined && at === tools.length - 1 ? mark(tool) : tool;
    });
    return made;
  };
}

const tokens = (value: number | undefined): number =>
  value !== undefined && Number.isFinite(value) && value > 0 ? Math.round(value) : 0;

/** `input_tokens` counts all input, cached included, whichever way a provider counts. */
export function usageOf({ inputTokens, outputTokens }: LanguageModelV4Usage): Usage {
  const read = tokens(inputTokens.cacheRead);
  const written = tokens(inputTokens.cacheWrite);
  return {
    input_tokens: tokens(inputTokens.total ?? tokens(inputTokens.noCache) + read + written),
    output_tokens: tokens(outputTokens.total ?? tokens(outputTokens.text) + tokens(outputTokens.reasoning)),
    reasoning_tokens: tokens(outputTokens.reasoning),
    cache_read_tokens: read,
    cache_write_tokens: written,
  };
}

type Metadata = Record<string, Record<string, unknown>>;

/** Metadata of one block arrives in pieces: the signature comes with the last delta. */
function mergeMetadata(known: Metadata | undefined, more: unknown): Metadata | undefined {
  if (typeof more !== "object" || more === null) return known;
  const merged: Metadata = { ...known };
  for (const [provider, values] of Object.entries(more as Metadata))
    merged[provider] = { ...merged[provider], ...values };
  return merged;
}

/** Turns the provider packages' stream parts into ours. Pure but for the metadata it gathers. */
function createTranslator(origin: RequestOrigin) {
  const reasoning = new Map<string, Metadata | undefined>();
  return (part: LanguageModelV4StreamPart): ModelChunk | undefined => {
    switch (part.type) {
      case "text-delta":
        return part.delta === "" ? undefined : { type: "text", text: part.delta };
      case "text-end":
        return { type: "part_ended" };
      case "reasoning-start":
        reasoning.set(part.id, mergeMetadata(undefined, part.providerMetadata));
        return undefined;
      case "reasoning-delta":
        reasoning.set(part.id, mergeMetadata(reasoning.get(part.id), part.providerMetadata));
        return part.delta === "" ? undefined : { type: "reasoning", text: part.delta };
      case "reasoning-end": {
        const provider = mergeMetadata(reasoning.get(part.id), part.providerMetadata);
        reasoning.delete(part.id);
        return { type: "part_ended", provider };
      }
      case "tool-input-start":
        return part.providerExecuted ? undefined : { type: "tool_started", id: part.id, name: part.toolName };
      case "tool-input-delta":
        return part.delta === "" ? undefined : { type: "tool_progress" };
      case "tool-call":
        if (part.providerExecuted) return undefined;
        return {
          type: "tool_call",
          id: part.toolCallId,
          name: part.toolName,
          arguments: part.input ?? "",
          provider: mergeMetadata(undefined, part.providerMetadata),
        };
      case "error":
        throw failureOfEvent(part.error, origin);
      case "finish": {
        const usage = usageOf(part.usage);
        switch (part.finishReason.unified) {
          case "interrupted":
          case "error":
            throw failureOfCut(origin);
          case "length":
            return { type: "finished", end: "length", usage };
          case "content-filter":
            return { type: "finished", end: "refusal", usage };
          default:
            return { type: "finished", end: "stop", usage };
        }
      }
      default:
        return undefined; // pings, sources, response metadata: no progress of the model
    }
  };
}

/** Streams one answer through a provider package. Throws ModelFailure, or the abort's reason. */
export async function* streamFromSdk(
  model: LanguageModelV4,
  call: SdkCall,
  origin: RequestOrigin,
  signal: AbortSignal,
): AsyncGenerator<ModelChunk> {
  const translate = createTranslator(origin);
  let reader: ReadableStreamDefaultReader<LanguageModelV4StreamPart> | undefined;
  try {
    const { stream } = await model.doStream({
      prompt: call.prompt,
      tools: call.tools,
      ...(call.tools.length > 0 ? { toolChoice: { type: "auto" } } : {}),
      ...(call.maxOutputTokens === undefined ? {} : { maxOutputTokens: call.maxOutputTokens }),
      ...(call.providerOptions === undefined ? {} : { providerOptions: call.providerOptions }),
      ...(call.headers === undefined ? {} : { headers: call.headers }),
      abortSignal: signal,
    });
    reader = stream.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) throw failureOfCut(origin);
      const chunk = translate(value);
      if (chunk === undefined) continue;
      yield chunk;
      if (chunk.type === "finished") return;
    }
  } catch (error) {
    signal.throwIfAborted();
    throw failureOf(error, origin);
  } finally {
    // Whoever stops reading early lets go of the connection; an error here is the one already thrown.
    reader?.cancel().catch(() => {});
  }
}
