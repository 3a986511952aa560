import type { LanguageModelV4Message } from "@ai-sdk/provider";
import type { Usage } from "../../../protocol/usage.ts";
import type { Ability } from "./catalog/catalog.ts";
import type { SearchRecord, Source } from "./searches.ts";
import type { Traits } from "./traits.ts";

/** One message of a prompt, in the provider packages' common format. */
export type PromptMessage = Extract<LanguageModelV4Message, { role: "user" | "assistant" | "tool" }>;

export type ModelTool = {
  name: string;
  description: string;
  /** JSON Schema of an object. */
  input_schema: Record<string, unknown>;
};

/**
 * A request to a model. `system` and `tools` are the same objects in all requests of a conversation, and `messages`
 * only grows at its end, so that providers can cache the prefix.
 */
export type ModelRequest = {
  system: string;
  tools: readonly ModelTool[];
  messages: readonly PromptMessage[];
  /** The conversation's id, for providers that key their cache by one. */
  conversation: string;
  observer?: ExchangeObserver;
};

/** Sees an exchange with a provider as it is. */
export type ExchangeObserver = {
  /** May be called again: what is refused is sent in another form. */
  sent(request: {
    url: string;
    headers: Readonly<Record<string, string>>;
    body: unknown;
    /** Credentials that the request contains. */
    secrets: readonly string[];
  }): void;
  answered(status: number, headers: Readonly<Record<string, string>>): void;
  received(text: string): void;
};

/** Why an answer ended. Failures are thrown as ModelFailure. */
export type AnswerEnd = "stop" | "length" | "refusal";

export type ModelChunk =
  | { type: "text"; text: string }
  | { type: "reasoning"; text: string }
  /**
   * The block has ended. `provider` must be sent back verbatim with it. If nothing of the block was shown, `of` says
   * what it was (default: reasoning).
   */
  | { type: "part_ended"; of?: "text" | "reasoning"; provider?: Record<string, unknown> | undefined }
  | { type: "tool_started"; id: string; name: string }
  /** The model is working, with nothing to show yet. `usage`: as reported so far. */
  | {
      type: "progress";
      usage?: Usage;
      /** Bytes of the request, sent once, with the first chunk. */
      askedBytes?: number;
    }
  /** `arguments` as the model wrote them, possibly not valid JSON. */
  | {
      type: "tool_call";
      id: string;
      name: string;
      arguments: string;
      provider?: Record<string, unknown> | undefined;
    }
  /** The provider searches the web by itself. `query`: "" while it is not known. */
  | { type: "search_started"; id: string; query: string }
  | {
      type: "search_ended";
      id: string;
      /** As far as it was not known before. */
      query?: string | undefined;
      sources: readonly Source[];
      /** Why it found nothing, in a few words. */
      failure?: string | undefined;
      /** What goes back to the model that searched. */
      record: SearchRecord;
    }
  /** The answer goes on in another request. `usage`: of the one that is over. */
  | { type: "paused"; usage: Usage }
  /** Always the last chunk of a complete answer; an answer without it was cut off. */
  | {
      type: "finished";
      end: AnswerEnd;
      usage: Usage;
      /** USD, if the provider reports it. */
      cost?: number;
      /** For people: why it ended early. */
      note?: string;
      /** It is not complete: the provider waits to be asked to go on. */
      isPaused?: boolean;
      /** It made no tool call but wrote text that looks like one. */
      isCallLike?: boolean;
      /** The server is an Ollama, by its own word. */
      isOllama?: boolean;
    };

type Prices = { input: number; output: number; cache_read: number; cache_write: number };
/** USD per million tokens. `tiers`: the prices of requests with more input tokens than `above`, in rising order. */
export type ModelCost = Prices & { tiers?: readonly (Prices & { above: number })[] };

export const noCost: ModelCost = { input: 0, output: 0, cache_read: 0, cache_write: 0 };

/** The model's variant of the system prompt. */
export type PromptFamily = "claude" | "gpt" | "gemini" | "open";

export type Model = {
  /** `provider/model`, as people name it. */
  readonly id: string;
  /** The provider's name for people: "Anthropic", or the name in the config. */
  readonly providerLabel: string;
  readonly family: PromptFamily;
  /** It runs on the user's own machine or network, where reading a long prompt takes minutes. */
  readonly isPrivate: boolean;
  /** What the model and its server accept, and in which form. */
  readonly traits: Traits;
  /** What it can do; null if nobody has said. */
  readonly abilities: readonly Ability[] | null;
  readonly cost: ModelCost;
  /** Tokens; null if not known. */
  readonly contextWindow: number | null;
  readonly outputTokensMax: number | null;
  /**
   * Streams one answer. Throws ModelFailure. When `signal` aborts, the connection is closed at once and its error is
   * thrown.
   */
  stream(request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelChunk>;
};

/** Cost in USD of one answer. */
export function costOf(usage: Usage, cost: ModelCost): number {
  const fresh = Math.max(0, usage.input_tokens - usage.cache_read_tokens - usage.cache_write_tokens);
  const prices = cost.tiers?.findLast(({ above }) => usage.input_tokens > above) ?? cost;
  const perMillion =
    fresh * prices.input +
    usage.cache_read_tokens * prices.cache_read +
    usage.cache_write_tokens * prices.cache_write +
    usage.output_tokens * prices.output;
  return perMillion / 1_000_000;
}
