import type { RunId } from "../../protocol/ids.ts";
import type { Message, Part } from "../../protocol/message.ts";
import { SHELL_AGENT } from "../commands/shell-command.ts";
import { type AppState, activeRun } from "./state.ts";

/** The output tokens of the running turn so far; `isEstimate`: partly estimated from the text's length. */
export type TokenCount = { runId: RunId; tokens: number; isEstimate: boolean; at: number };

/** The shortest time between two changes of the figure. */
const EVERY_MS = 250;
/** An average for English and code. */
const CHARACTERS_PER_TOKEN = 4;

/** Updates the count of the running turn, at most every EVERY_MS. */
export function withTokenCount(state: AppState, now: number): AppState {
  const run = activeRun(state);
  const before = state.tokenCount;
  if (run === undefined || run.agent === SHELL_AGENT)
    return before === undefined ? state : { ...state, tokenCount: undefined };
  const isSame = before?.runId === run.id;
  if (isSame && now >= before.at && now - before.at < EVERY_MS) return state;
  const { tokens, isEstimate } = countTokens(
    (state.replica?.messages ?? []).filter(({ run_id, role }) => run_id === run.id && role === "assistant"),
  );
  if (isSame && tokens === before.tokens && isEstimate === before.isEstimate) return state;
  return { ...state, tokenCount: { runId: run.id, tokens, isEstimate, at: now } };
}

/** Sums a turn's messages: reported tokens where there are any, else an estimate. */
export function countTokens(messages: readonly Pick<Message, "parts" | "usage">[]) {
  let known = 0;
  let characters = 0;
  for (const { usage, parts } of messages) {
    if (usage === undefined) for (const part of parts) characters += charactersOf(part);
    else known += usage.output_tokens;
  }
  const guessed = Math.ceil(characters / CHARACTERS_PER_TOKEN);
  return { tokens: known + guessed, isEstimate: guessed > 0 };
}

function charactersOf(part: Part): number {
  if (part.type === "text" || part.type === "reasoning") return part.text.length;
  if (part.type !== "tool_call") return 0;
  return part.name.length + (JSON.stringify(part.input)?.length ?? 0);
}
