import { createBoundedMap } from "../../../bounded-map.ts";
import { ModelFailure } from "../errors/failure.ts";
import type { ModelChunk, ModelRequest, PromptMessage } from "../model.ts";
import type { Traits } from "../traits.ts";

/** How earlier reasoning is sent. `blank`: a single space in each answer that has none. */
export type ReasoningSent = { back: boolean; blank: boolean };
type Send = (request: ModelRequest, signal: AbortSignal, sent: ReasoningSent) => AsyncIterable<ModelChunk>;

/** The number of conversations remembered. A forgotten one fails once more and adapts again. */
const CONVERSATIONS_MAX = 500;

const aboutReasoning = /reasoning|thinking|thought|signature|encrypted/i;
const isMissing =
  /must be (passed|sent|provided|included)|(is|are|was) (missing|required)|missing .{0,40}(reasoning|thinking|thought)|be preserved|required.{0,20}(reasoning|thinking)|(expected|must start with).{0,30}thinking/i;
const isStale =
  /signature|encrypted|decrypt|verif|expired|tamper|invalid.{0,30}(block|item)|without its required/i;

type Refusal = "missing" | "stale" | "unwanted";

/** The server's complaint about earlier reasoning, if it is one. */
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

/** OpenAI refuses its searches without the reasoning before them; the answer after them says what was found. */
const withoutReasoning = (request: ModelRequest, search: Traits["search"]): ModelRequest => ({
  ...request,
  messages: request.messages.map((message): PromptMessage => {
    if (message.role !== "assistant") return message;
    const content = message.content.filter(
      (part) =>
        part.type !== "reasoning" &&
        (search !== "openai" ||
          (part.type === "tool-call" ? part.providerExecuted !== true : part.type !== "tool-result")),
    );
    return { ...message, content };
  }),
});

/**
 * Sending reasoning back helps with most servers and is required by some. If a server refuses a request because of it,
 * the request is repeated the other way, and so are all later ones: a server that misses reasoning gets a blank where
 * there is none, one that does not want it gets none (both for this model at this server). Reasoning that it can no
 * longer verify (another account, a changed beginning) is dropped for that conversation only.
 */
export function createReasoningFallback(
  traits: Pick<Traits, "reasoningField" | "reasoningRequired" | "search">,
) {
  const stale = createBoundedMap<string, true>(CONVERSATIONS_MAX);
  let sent: ReasoningSent = {
    back: traits.reasoningField !== "none",
    blank: traits.reasoningRequired === "always",
  };

  /** Changes how reasoning is sent. Returns whether asking again makes sense. */
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
    // At most two retries: refused as it is, then refused the other way.
    for (let again = 2; ; again -= 1) {
      let hasBegun = false;
      try {
        const drops = !sent.back || stale.has(request.conversation);
        for await (const chunk of send(
          drops ? withoutReasoning(request, traits.search) : request,
          signal,
          sent,
        )) {
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
