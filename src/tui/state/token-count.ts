import type { RunId } from "../../protocol/ids.ts";
import type { Message, Part } from "../../protocol/message.ts";
import { SHELL_AGENT } from "../commands/shell-command.ts";
import { type AppState, activeRun } from "./state.ts";

/** What the running turn has said so far, in tokens; `isEstimate`: part of it is guessed from its letters. */
export type TokenCount = { runId: RunId; tokens: number; isEstimate: boolean; at: number };

/** So often the figure changes at most. */
const EVERY_MS = 250;
/** What English and code come to. */
const CHARACTERS_PER_TOKEN = 4;

/** Follows the running turn; between two counts the figure stays as it is. */
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

/** Of a turn's messages: what each step is known to have said, else what its letters come to. */
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
