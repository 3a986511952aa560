import type { LanguageModelV4Message } from "@ai-sdk/provider";
import type { Usage } from "../../../protocol/usage.ts";
import type { Traits } from "./traits.ts";

/** One message of a prompt, in the shape that the provider packages turn into each provider's own. */
export type PromptMessage = Extract<LanguageModelV4Message, { role: "user" | "assistant" | "tool" }>;

export type ModelTool = {
  name: string;
  description: string;
  /** JSON Schema of an object. */
  input_schema: Record<string, unknown>;
};

/**
 * What is asked of a model. `system` and `tools` are the same objects for all requests of a conversation, and
 * `messages` only grows at its end, so that providers can cache the prefix.
 */
export type ModelRequest = {
  system: string;
  tools: readonly ModelTool[];
  messages: readonly PromptMessage[];
  /** The conversation's own id: where a provider keeps its cache by a key. */
  conversation: string;
};

/** Why an answer ended, apart from failures, which are thrown as ModelFailure. */
export type AnswerEnd = "stop" | "length" | "refusal";

export type ModelChunk =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  /**
   * The block is over. `provider` must go back verbatim with it. Where nothing of a block was shown, `of` says what it
   * would have been: reasoning, where it is not said.
   */
  | { type: "part_ended"; of?: "text" | "reasoning"; provider?: Record<string, unknown> | undefined }
  | { type: "tool_started"; id: string; name: string }
  /** A sign of the model with nothing to show. `usage`: what the provider has told of it so far. */
  | {
      type: "progress";
      usage?: Usage;
      /** Bytes of the request, told once, with the first sign. */
      askedBytes?: number;
    }
  /** `arguments` as the model wrote them, possibly not JSON. */
  | {
      type: "tool_call";
      id: string;
      name: string;
      arguments: string;
      provider?: Record<string, unknown> | undefined;
    }
  /** Always the last chunk of a whole answer; an answer without it was cut off. */
  | {
      type: "finished";
      end: AnswerEnd;
      usage: Usage;
      /** USD, where the provider says what it takes. */
      cost?: number;
      /** Why it ended so, for a person. */
      note?: string;
      /** It made no call, and wrote something that looks like one. */
      isCallLike?: boolean;
    };

/** USD per million tokens. */
export type ModelCost = { input: number; output: number; cache_read: number; cache_write: number };

/** Which overlay of the system prompt a model gets. */
export type PromptFamily = "claude" | "gpt" | "gemini" | "open";

export type Model = {
  /** `provider/model`, as people name it. */
  readonly id: string;
  /** What people call the provider, for notices: "Anthropic", or the name in the config. */
  readonly providerLabel: string;
  readonly family: PromptFamily;
  /** It is served on a machine or network of the user's own, where reading a long prompt takes minutes. */
  readonly isPrivate: boolean;
  /** What it and its server take, and in which form. */
  readonly traits: Traits;
  readonly cost: ModelCost;
  /**
   * Streams one answer. Throws ModelFailure; when `signal` aborts, the connection is closed at once and it
   * throws whatever the connection throws.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelChunk>;
};

/** Cost in USD of one answer. */
export function costOf(usage: Usage, cost: ModelCost): number {
  const fresh = Math.max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens);
  const perMillion =
    fresh * cost.input +
    usage.cache_read_tokens * cost.cache_read +
    usage.cache_write_tokens * cost.cache_write +
    usage.output_tokens * cost.output;
  return perMillion / 1_000_000;
}
