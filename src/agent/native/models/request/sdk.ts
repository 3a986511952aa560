import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Prompt,
} from "@ai-sdk/provider";
import { createTurns, type Turns } from "../../../../async/turns.ts";
import { failureOfRequest } from "../errors/failure.ts";
import type { ModelChunk, ModelTool } from "../model.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { type ExchangeDeps, exchange, type WrittenRequest } from "../wire/exchange.ts";

/** What a family adds to a request. */
export type SdkCall = {
  prompt: LanguageModelV4Prompt;
  tools: LanguageModelV4FunctionTool[];
  maxOutputTokens?: number | undefined;
  providerOptions?: LanguageModelV4CallOptions["providerOptions"];
  headers?: Record<string, string>;
};

/**
 * Converts a tool list to the package's format; the same tools give the same object, so that the request's prefix stays
 * the same. `mark` may add to the last tool.
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

/** Carries the finished request out of the package. */
class CapturedRequest extends Error {
  readonly request: WrittenRequest;
  constructor(request: WrittenRequest) {
    super("a request was written");
    this.request = request;
  }
}

/**
 * The fetch given to the provider packages: they build requests but send none. Their own response parsers are stricter
 * than the providers' real behaviour.
 */
export const captureRequest: ModelFetch = (url, init = {}) =>
  Promise.reject(new CapturedRequest({ url: String(url), init }));

async function buildRequest(
  model: LanguageModelV4,
  call: SdkCall,
  deps: ExchangeDeps,
): Promise<WrittenRequest> {
  try {
    await model.doStream({
      prompt: call.prompt,
      tools: call.tools,
      ...(call.tools.length > 0 ? { toolChoice: { type: "auto" } } : {}),
      ...(call.maxOutputTokens === undefined ? {} : { maxOutputTokens: call.maxOutputTokens }),
      ...(call.providerOptions === undefined ? {} : { providerOptions: call.providerOptions }),
      ...(call.headers === undefined ? {} : { headers: call.headers }),
    });
  } catch (error) {
    if (error instanceof CapturedRequest) return error.request;
    throw failureOfRequest(error, deps.origin);
  }
  throw new Error(`${deps.origin.model} was not asked through the fetch that its package was given`);
}

/** Streams the answer to a request built by a provider package. Throws ModelFailure, or the abort's reason. */
export async function* streamFromSdk(
  model: LanguageModelV4,
  call: SdkCall,
  deps: ExchangeDeps,
  signal: AbortSignal,
  turns: Turns = createTurns(),
): AsyncGenerator<ModelChunk> {
  signal.throwIfAborted();
  const request = await buildRequest(model, call, deps);
  await turns.rest(); // one of megabytes is sent in another turn than it is built in
  yield* exchange(request, deps, signal);
}
