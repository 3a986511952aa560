import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ProviderTool,
} from "@ai-sdk/provider";
import { createTimeSlice, type TimeSlice } from "../../../../async/time-slice.ts";
import { failureOfRequest } from "../errors/failure.ts";
import type { ModelChunk, ModelTool, PromptMessage } from "../model.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { type ExchangeDeps, exchange, type WrittenRequest } from "../wire/exchange.ts";
import { createJoinedBody, joinHeaders, slicesOf } from "./slices.ts";

type SdkTool = LanguageModelV4FunctionTool | LanguageModelV4ProviderTool;

/** What a family adds to a request. */
export type SdkCall = {
  system: Extract<LanguageModelV4Message, { role: "system" }>;
  messages: readonly PromptMessage[];
  /** Converts a message before its package gets it. */
  write(message: PromptMessage): PromptMessage;
  tools: SdkTool[];
  maxOutputTokens?: number | undefined;
  providerOptions?: LanguageModelV4CallOptions["providerOptions"];
  headers?: Record<string, string>;
};

/** What is done to bodies that a package has made. */
export type BodyRules = {
  /** The body's list of messages. */
  list: "messages" | "input" | "contents";
  /** Begins a request; returns what to apply to each of its slices, in order. */
  begin?(): (init: RequestInit) => RequestInit;
  /** Puts long texts back into a piece of a body. */
  lengthen(text: string): string | Buffer<ArrayBuffer>;
};

/**
 * Converts a tool list to the package's format; the same tools give the same object, so that the request's prefix stays
 * the same. `mark` may add to the last tool. `search`: the provider's own, beside tools.
 */
export function createToolList({
  mark,
  search,
}: {
  mark?: (last: LanguageModelV4FunctionTool) => LanguageModelV4FunctionTool;
  search?: LanguageModelV4ProviderTool | undefined;
} = {}) {
  let source: readonly ModelTool[] | undefined;
  let made: SdkTool[] = [];
  return (tools: readonly ModelTool[]): SdkTool[] => {
    if (tools === source) return made;
    source = tools;
    const own = tools.map(({ name, description, input_schema }, at) => {
      const inputSchema = input_schema as LanguageModelV4FunctionTool["inputSchema"];
      const tool: LanguageModelV4FunctionTool = { type: "function", name, description, inputSchema };
      return mark !== undefined && at === tools.length - 1 ? mark(tool) : tool;
    });
    // Questions without tools, such as for a title, are answered without a search.
    made = search === undefined || own.length === 0 ? own : [search, ...own];
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

export type SdkDeps = ExchangeDeps & BodyRules;

/** The request that the package would send for this prompt. */
async function capture(
  model: LanguageModelV4,
  prompt: LanguageModelV4Prompt,
  call: Omit<SdkCall, "system" | "messages" | "write">,
  { origin }: Pick<ExchangeDeps, "origin">,
): Promise<WrittenRequest & { body: string }> {
  try {
    await model.doStream({
      prompt,
      tools: call.tools,
      ...(call.tools.length > 0 ? { toolChoice: { type: "auto" } } : {}),
      ...(call.maxOutputTokens === undefined ? {} : { maxOutputTokens: call.maxOutputTokens }),
      ...(call.providerOptions === undefined ? {} : { providerOptions: call.providerOptions }),
      ...(call.headers === undefined ? {} : { headers: call.headers }),
    });
  } catch (error) {
    if (!(error instanceof CapturedRequest)) throw failureOfRequest(error, origin);
    const { body } = error.request.init;
    if (typeof body !== "string") throw new Error("a request to a model is not a text");
    return { ...error.request, body };
  }
  throw new Error(`${origin.model} was not asked through the fetch that its package was given`);
}

/**
 * Has a package write the request. A long conversation is written slice by slice, and others are served between them:
 * the package converts and encodes all it gets in one go (decision 020).
 */
async function buildRequest(
  model: LanguageModelV4,
  call: SdkCall,
  { origin, list, begin, lengthen }: SdkDeps,
  signal: AbortSignal,
  timeSlice: TimeSlice,
): Promise<WrittenRequest> {
  const change = begin?.() ?? ((init: RequestInit) => init);
  const [first = [], ...others] = slicesOf(call.messages);
  const write = async (slice: readonly PromptMessage[], isFirst: boolean) => {
    const messages = slice.map(call.write);
    const prompt = isFirst ? [call.system, ...messages] : messages;
    const { url, init, body } = await capture(model, prompt, isFirst ? call : { ...call, tools: [] }, {
      origin,
    });
    return { url, init: change({ ...init, body }) };
  };
  const { url, init } = await write(first, true);
  if (others.length === 0) return { url, init: { ...init, body: lengthen(String(init.body)) } };

  const joined = createJoinedBody(list);
  const written = [init];
  const bytesOf = (body: RequestInit["body"]) => {
    const piece = lengthen(joined.add(String(body)));
    return typeof piece === "string" ? Buffer.from(piece) : piece;
  };
  const pieces = [bytesOf(init.body)];
  for (const slice of others) {
    await timeSlice.rest();
    signal.throwIfAborted();
    const next = await write(slice, false);
    written.push(next.init);
    pieces.push(bytesOf(next.init.body));
  }
  await timeSlice.rest();
  const body = Buffer.concat([...pieces, Buffer.from(joined.end())]);
  return { url, init: { ...init, headers: joinHeaders(written.map(({ headers }) => headers)), body } };
}

/** Streams the answer to a request built by a provider package. Throws ModelFailure, or the abort's reason. */
export async function* streamFromSdk(
  model: LanguageModelV4,
  call: SdkCall,
  deps: SdkDeps,
  signal: AbortSignal,
  timeSlice: TimeSlice = createTimeSlice(),
): AsyncGenerator<ModelChunk> {
  signal.throwIfAborted();
  const request = await buildRequest(model, call, deps, signal, timeSlice);
  await timeSlice.rest(); // one of megabytes is sent in another turn than it is built in
  signal.throwIfAborted();
  yield* exchange(request, deps, signal);
}
