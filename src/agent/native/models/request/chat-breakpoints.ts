import type { PromptMessage } from "../model.ts";
import { FIELDS } from "./chat-messages.ts";

/** How many messages at the end a cached prefix ends at: the older one is read, the newer one written. */
const MARKED = 2;
const mark = { [FIELDS]: { cache_control: { type: "ephemeral" } } } as const;

/** For a system prompt. */
export const systemMark = { providerOptions: mark };

/**
 * Marks the last prompts and results; `withBreakpoints` makes of a mark what goes over the wire. To be given what is
 * sent for a message, and which one it is.
 */
export function markLast(messages: readonly PromptMessage[]) {
  const counts = new Map<PromptMessage, number>();
  let left = MARKED;
  for (let at = messages.length - 1; at >= 0 && left > 0; at -= 1) {
    const message = messages[at];
    if (message === undefined || message.role === "assistant") continue;
    const count = message.role === "user" ? 1 : Math.min(left, message.content.length);
    counts.set(message, count);
    left -= count;
  }
  return (message: PromptMessage, of: PromptMessage): PromptMessage => {
    const count = counts.get(of) ?? 0;
    if (count === 0 || message.role === "assistant") return message;
    if (message.role === "user") {
      const [part] = message.content;
      if (message.content.length !== 1 || part?.type !== "text") return message;
      return { ...message, content: [{ ...part, providerOptions: mark }] };
    }
    const first = message.content.length - count;
    const content = message.content.map((part, at) =>
      at < first ? part : { ...part, providerOptions: mark },
    );
    return { ...message, content };
  };
}

/** OpenRouter passes Anthropic's cache breakpoints on if a content block carries them. */
export function withBreakpoints(body: Record<string, unknown>): Record<string, unknown> {
  const { messages } = body;
  if (!Array.isArray(messages)) return body;
  return {
    ...body,
    messages: messages.map((message: unknown) => {
      if (typeof message !== "object" || message === null || !("cache_control" in message)) return message;
      const { cache_control, ...rest } = message;
      if (!("content" in rest) || typeof rest.content !== "string") return rest;
      return { ...rest, content: [{ type: "text", text: rest.content, cache_control }] };
    }),
  };
}
