import type { PromptMessage } from "./model.ts";
import type { ReasoningSent } from "./reasoning-fallback.ts";

type AssistantMessage = Extract<PromptMessage, { role: "assistant" }>;

/** The key under which the package takes fields of a message as they are. */
const FIELDS = "openaiCompatible";
/** The key under which what its reader keeps of an answer is found. */
const KEPT = "compatible";

type Detail = Record<string, unknown>;
const isDetail = (value: unknown): value is Detail => typeof value === "object" && value !== null;

function detailsOf({ content }: AssistantMessage): Detail[] {
  return content.flatMap(({ providerOptions }) => {
    const kept: unknown = providerOptions?.[KEPT]?.["reasoningDetails"];
    return Array.isArray(kept) ? kept.filter(isDetail) : [];
  });
}

/**
 * An earlier answer in the form that a chat server takes: arguments as text (the package writes an object out with a
 * slow replacer, again in every request), and reasoning in the server's own field. The change is remembered per
 * message, which the history keeps as long as the conversation.
 */
export function createMessageWriter() {
  let form: ReasoningSent | undefined;
  let written = new WeakMap<PromptMessage, PromptMessage>();

  function write(message: AssistantMessage, { back, blank }: ReasoningSent): AssistantMessage {
    const details = back ? detailsOf(message) : [];
    const content = message.content
      // What is in the details is not said twice.
      .filter((part) => part.type !== "reasoning" || details.length === 0)
      .map((part) => (part.type === "tool-call" ? { ...part, input: JSON.stringify(part.input) } : part));
    const hasReasoning = content.some((part) => part.type === "reasoning" && part.text !== "");
    const fields = {
      ...(details.length > 0 ? { reasoning_details: details } : {}),
      ...(blank && !hasReasoning && details.length === 0 ? { reasoning_content: " " } : {}),
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
