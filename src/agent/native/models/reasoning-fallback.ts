import { createBoundedMap } from "../../bounded-map.ts";
import { ModelFailure } from "./failure.ts";
import type { ModelChunk, ModelRequest, PromptMessage } from "./model.ts";

type Send = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ModelChunk>;

/** Conversations that are remembered; beyond it the oldest is asked to fail once more. */
const REMEMBERS_MAX = 500;

const isRefusal = (error: unknown): boolean =>
  error instanceof ModelFailure &&
  (error.status === 400 || error.status === 422) &&
  /reasoning|thinking|signature|encrypted/i.test(error.message);

const hasReasoning = ({ messages }: ModelRequest): boolean =>
  messages.some(
    ({ role, content }) => role === "assistant" && content.some((part) => part.type === "reasoning"),
  );

const withoutReasoning = (request: ModelRequest): ModelRequest => ({
  ...request,
  messages: request.messages.map(
    (message): PromptMessage =>
      message.role === "assistant"
        ? { ...message, content: message.content.filter((part) => part.type !== "reasoning") }
        : message,
  ),
});

/**
 * Reasoning that goes back is a help, never a need: where a server refuses a request because of it, the request
 * is made again without, and so is every later one. `server`: it does not take reasoning at all. `conversation`:
 * what it was given here cannot be verified any more (another account, a changed beginning).
 */
export function createReasoningFallback(scope: "server" | "conversation", startsWithout = false) {
  const dropped = createBoundedMap<string, true>(REMEMBERS_MAX);
  if (startsWithout) dropped.set("", true);
  const keyOf = (request: ModelRequest) => (scope === "server" ? "" : request.conversation);

  return async function* (
    request: ModelRequest,
    signal: AbortSignal,
    send: Send,
  ): AsyncGenerator<ModelChunk> {
    const key = keyOf(request);
    if (dropped.has(key)) return yield* send(withoutReasoning(request), signal);
    try {
      yield* send(request, signal);
    } catch (error) {
      if (!isRefusal(error) || !hasReasoning(request)) throw error;
      dropped.set(key, true);
      yield* send(withoutReasoning(request), signal);
    }
  };
}
