import type { PromptMessage } from "../model.ts";
import type { Traits } from "../traits.ts";
import type { ReasoningSent } from "./reasoning-fallback.ts";

type AssistantMessage = Extract<PromptMessage, { role: "assistant" }>;

/** The package copies fields under this key into the message. */
export const FIELDS = "openaiCompatible";
/** Our reader keeps an answer's provider data under this key. */
const KEPT = "compatible";

type Detail = Record<string, unknown>;
const isDetail = (value: unknown): value is Detail => typeof value === "object" && value !== null;

/** The signature that Gemini accepts for calls made by another model (ai.google.dev, "Thought signatures"). */
const UNSIGNED = "skip_thought_signature_validator";

/** A placeholder for missing reasoning; empty text is refused. */
function placeholder({ content }: AssistantMessage, field: Traits["reasoningField"]): Detail {
  if (field !== "reasoning_details") return { reasoning_content: " " };
  const call = content.find((part) => part.type === "tool-call");
  if (call === undefined) return {};
  const detail = { type: "reasoning.encrypted", format: "google-gemini-v1", index: 0, data: UNSIGNED };
  return { reasoning_details: [{ ...detail, id: call.toolCallId }] };
}

function detailsOf({ content }: AssistantMessage): Detail[] {
  return content.flatMap(({ providerOptions }) => {
    const kept: unknown = providerOptions?.[KEPT]?.["reasoningDetails"];
    return Array.isArray(kept) ? kept.filter(isDetail) : [];
  });
}

/**
 * Converts earlier answers to a chat server's format: arguments as text (the package serializes objects slowly, again
 * in every request), and reasoning in the server's own field. Results are cached per message, which the history keeps
 * as long as the conversation.
 */
export function createMessageWriter(field: Traits["reasoningField"]) {
  let form: ReasoningSent | undefined;
  let written = new WeakMap<PromptMessage, PromptMessage>();

  function write(message: AssistantMessage, { back, blank }: ReasoningSent): AssistantMessage {
    const details = back ? detailsOf(message) : [];
    const content = message.content
      // A server that uses reasoning details accepts nothing else, and details must not be repeated as text.
      .filter((part) => part.type !== "reasoning" || (field !== "reasoning_details" && details.length === 0))
      .map((part) => (part.type === "tool-call" ? { ...part, input: JSON.stringify(part.input) } : part));
    const hasReasoning = content.some((part) => part.type === "reasoning" && part.text !== "");
    const fields = {
      ...(details.length > 0 ? { reasoning_details: details } : {}),
      ...(blank && !hasReasoning && details.length === 0 ? placeholder(message, field) : {}),
    };
    const made: AssistantMessage = { ...message, content };
    return Object.keys(fields).length === 0
      ? made
      : { ...made, providerOptions: { [FIELDS]: fields as Record<string, never> } };
  }

  return (message: PromptMessage, sent: ReasoningSent): PromptMessage => {
    if (message.role !== "assistant") return message;
    if (form?.back !== sent.back || form.blank !== sent.blank) {
      form = sent;
      written = new WeakMap();
    }
    const known = written.get(message);
    if (known) return known;
    const made = write(message, sent);
    written.set(message, made);
    return made;
  };
}
