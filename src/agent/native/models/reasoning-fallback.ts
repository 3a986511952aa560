import { createBoundedMap } from "../../bounded-map.ts";
import { ModelFailure } from "./failure.ts";
import type { ModelChunk, ModelRequest, PromptMessage } from "./model.ts";
import type { Traits } from "./traits.ts";

/** How earlier reasoning is sent. `blank`: a single space in each answer that has none. */
export type ReasoningSent = { back: boolean; blank: boolean };
type Send = (request: ModelRequest, signal: AbortSignal, sent: ReasoningSent) => AsyncIterable<ModelChunk>;

/** Conversations that are remembered; beyond it the oldest is asked to fail once more. */
const CONVERSATIONS_MAX = 500;

const aboutReasoning = /reasoning|thinking|thought|signature|encrypted/i;
const isMissing =
  /must be (passed|sent|provided|included)|(is|are|was) (missing|required)|missing .{0,40}(reasoning|thinking|thought)|be preserved|required.{0,20}(reasoning|thinking)|(expected|must start with).{0,30}thinking/i;
const isStale =
  /signature|encrypted|decrypt|verif|expired|tamper|invalid.{0,30}(block|item)|without its required/i;

type Refusal = "missing" | "stale" | "unwanted";

/** What a server says of earlier reasoning, where it says anything of it. */
export function refusalOf(error: unknown): Refusal | undefined {
  if (!(error instanceof ModelFailure) || (error.status !== 400 && error.status !== 422)) return undefined;
  const words = `${error.message} ${error.body}`;
  if (!aboutReasoning.test(words)) return undefined;
  if (isMissing.test(words)) return "missing";
  return isStale.test(words) ? "stale" : "unwanted";
}

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
 * Reasoning that goes back is a help to most servers and a need to some. Where one refuses a request because of it,
 * the request is made again in the other way, and so is every later one: a server that misses it gets a blank
 * wherever there is none, one that does not want it gets none (both belong to this model at this server), and what
 * it cannot verify any more (another account, a changed beginning) is dropped from that conversation alone.
 */
export function createReasoningFallback(traits: Pick<Traits, "reasoningField" | "reasoningRequired">) {
  const stale = createBoundedMap<string, true>(CONVERSATIONS_MAX);
  let sent: ReasoningSent = {
    back: traits.reasoningField !== "none",
    blank: traits.reasoningRequired === "always",
  };

  /** Whether it is worth asking again, differently. */
  function adapt(refusal: Refusal | undefined, request: ModelRequest): boolean {
    if (refusal === undefined) return false;
    const hasAny = sent.back && hasReasoning(request) && !stale.has(request.conversation);
    if (refusal === "missing" && traits.reasoningField !== "signed") {
      const isNew = !sent.blank || !sent.back;
      sent = { back: true, blank: true };
      return isNew;
    }
    if (!hasAny && !(refusal === "unwanted" && sent.blank)) return false;
    if (refusal === "unwanted" && traits.reasoningField !== "signed") sent = { back: false, blank: false };
    else stale.set(request.conversation, true);
    return true;
  }

  return async function* (
    request: ModelRequest,
    signal: AbortSignal,
    send: Send,
  ): AsyncGenerator<ModelChunk> {
    // Twice at most: refused as it is, then refused the other way round.
    for (let again = 2; ; again -= 1) {
      let hasBegun = false;
      try {
        const drops = !sent.back || stale.has(request.conversation);
        for await (const chunk of send(drops ? withoutReasoning(request) : request, signal, sent)) {
          hasBegun = true;
          yield chunk;
        }
        return;
      } catch (error) {
        if (hasBegun || again === 0 || !adapt(refusalOf(error), request)) throw error;
      }
    }
  };
}
