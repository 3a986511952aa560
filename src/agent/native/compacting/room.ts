// When a conversation must be compacted, and what is left out of it. Pure.
import type { Message } from "../../../protocol/message.ts";
import { type Made, spokenOf } from "../../run/context-changes.ts";
import { outputChars, tokensOf, tokensOfMessages, tokensOfResults } from "./sizes.ts";

/** The usable share of the window: beyond it answers get worse and the estimate is too uncertain. */
const USED_SHARE_MAX = 0.85;
/** Tokens reserved for the answer. */
const RESERVE_TOKENS_MIN = 16_000;
/** From this share of the room on, a summary is prepared in the background. */
const PREPARE_SHARE = 0.85;
/** Tokens at the end of the conversation that are kept verbatim. */
const VERBATIM_TOKENS_MAX = 20_000;
/** A summary of fewer tokens saves nothing. */
const OLDER_TOKENS_MIN = 1_000;
const PRUNE_KEPT_TOKENS = 40_000;
const PRUNE_FREED_TOKENS_MIN = 20_000;
const PRUNE_TURNS_KEPT = 2;
/** An estimate may be this much above the provider's own count, which is more exact. */
const ESTIMATE_TRUST = 0.7;

export type Room = {
  /** Tokens beyond which the conversation is compacted. */
  compactAt: number;
  /** Tokens beyond which a summary is prepared. */
  prepareAt: number;
  /** Tokens that are kept verbatim. */
  verbatim: number;
};

/** In a small window all limits are smaller in proportion. */
export function roomIn(window: number, outputMax: number | null): Room {
  const reserve = Math.min(Math.max(RESERVE_TOKENS_MIN, outputMax ?? 0), Math.floor(window / 2));
  const compactAt = Math.floor(Math.min(window * USED_SHARE_MAX, window - reserve));
  return {
    compactAt,
    prepareAt: Math.floor(compactAt * PREPARE_SHARE),
    verbatim: Math.min(VERBATIM_TOKENS_MAX, Math.floor(compactAt / 4)),
  };
}

export type Measured = {
  /** The conversation as it is sent: without what was compacted. */
  sent: readonly Message[];
  /** Tokens of instructions, tools, opening and summary. */
  fixed: number;
  /** Messages from here on were counted by the provider after the last compaction. */
  validFrom: number;
  agent: string;
};

/** The tokens of the next request: the provider's last count plus an estimate of everything after it. */
export function tokensUsed({ sent, fixed, validFrom, agent }: Measured): number {
  const estimate = fixed + tokensOfMessages(sent);
  const at = sent.findLastIndex(
    ({ role, agent: by, usage, seq }) =>
      role === "assistant" && by === agent && seq >= validFrom && (usage?.input_tokens ?? 0) > 0,
  );
  const counted = sent[at];
  if (counted?.usage === undefined) return estimate;
  const { input_tokens, output_tokens } = counted.usage;
  const after = tokensOfResults(counted) + tokensOfMessages(sent.slice(at + 1));
  return Math.max(input_tokens + output_tokens + after, Math.floor(estimate * ESTIMATE_TRUST));
}

/** From which message on tool outputs are kept, and the tokens saved by dropping the others; undefined if too few. */
export function planPruning(
  sent: readonly Message[],
  last: Made<"pruned"> | undefined,
): { before_seq: number; tokens: number } | undefined {
  const prompts = sent.filter(({ role }) => role === "user");
  const recent = prompts.at(-PRUNE_TURNS_KEPT)?.seq;
  if (recent === undefined || prompts.length <= PRUNE_TURNS_KEPT) return undefined;
  const already = last?.change.before_seq ?? 0;
  let kept = 0;
  let before_seq: number | undefined;
  let tokens = 0;
  for (const message of sent.toReversed()) {
    if (message.seq >= recent || message.seq < already) continue;
    const own = tokensOfResults(message);
    if (before_seq === undefined && kept + own <= PRUNE_KEPT_TOKENS) {
      kept += own;
      continue;
    }
    before_seq ??= message.seq + 1;
    tokens += prunable(message);
  }
  return before_seq === undefined || tokens < PRUNE_FREED_TOKENS_MIN ? undefined : { before_seq, tokens };
}

/** Shorter outputs are always kept. */
export const PRUNED_CHARS_MIN = 400;
const prunable = ({ parts }: Message): number =>
  tokensOf(
    parts.reduce(
      (sum, part) =>
        part.type === "tool_call" && part.output.length >= PRUNED_CHARS_MIN ? sum + outputChars(part) : sum,
      0,
    ),
  );

/** Splits the messages into those to summarise and those kept verbatim; undefined if a summary saves nothing. */
export function planCompaction(
  transcript: readonly Message[],
  verbatimMax: number,
  isAsked: boolean,
): { older: readonly Message[]; from_seq: number } | undefined {
  const sent = spokenOf(transcript);
  // A person who asks for it wants the conversation smaller, even if it is small.
  const room = isAsked ? Math.min(verbatimMax, Math.floor(tokensOfMessages(sent) / 4)) : verbatimMax;
  let first = sent.length - 1;
  let tokens = first < 0 ? 0 : tokensOfMessages(sent.slice(first));
  while (first > 0) {
    tokens += tokensOfMessages(sent.slice(first - 1, first));
    if (tokens > room) break;
    first -= 1;
  }
  const from = sent[first];
  const older = sent.slice(0, Math.max(0, first));
  if (from === undefined || older.length === 0) return undefined;
  if (!isAsked && tokensOfMessages(older) < OLDER_TOKENS_MIN) return undefined;
  return { older, from_seq: from.seq };
}

/** The window that a provider's refusal names ("210000 tokens > 200000 maximum"); undefined if it names none. */
export function windowIn(refusal: string): number | undefined {
  const named = [...refusal.matchAll(/\d[\d,_]{3,}/g)]
    .map(([text]) => Number(text.replace(/[,_]/g, "")))
    .filter((tokens) => tokens >= 1_000 && tokens <= 100_000_000);
  return named.length === 0 ? undefined : Math.min(...named);
}
