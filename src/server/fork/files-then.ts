import { HearthError } from "../../protocol/errors.ts";
import type { RunId } from "../../protocol/ids.ts";
import type { LeftOut } from "../store/checkpoints.ts";
import type { Checkpoint } from "../undo/turns.ts";

/** The place in a conversation at which it is forked. */
export type ForkPoint = {
  /** The turn of the last message that is copied, or of the prompt that is left out. */
  run_id: RunId;
  /** Number of that turn's prompt. */
  seq: number;
  /** `middle`: the turn went on after the last message that is copied. */
  at: "before_turn" | "middle" | "after_turn";
};

/** `nearest`: no turn recorded the files at that point, so these are the closest that were recorded. */
export type FilesThen =
  | { kind: "recorded" | "nearest"; tree: string; run_id: RunId; isBefore: boolean; left_out: LeftOut[] }
  /** No turn of the session changed files. */
  | { kind: "present" };

const unavailable = (why: string) =>
  new HearthError(
    "files_unavailable",
    `The files as they were then cannot be had: ${why} Fork the conversation alone, or from another message.`,
  );

const missing = ({ trouble }: Checkpoint) =>
  unavailable(trouble ?? "a crash cut off the turn before its files were recorded.");

/**
 * Which recorded files belong to a point of the conversation. `rows`: the turns that changed files, oldest first. Throws
 * files_unavailable with the reason.
 */
export function filesThen(rows: readonly Checkpoint[], { run_id, seq, at }: ForkPoint): FilesThen {
  const own = rows.find((row) => row.run_id === run_id);
  if (own !== undefined) {
    if (at === "middle")
      throw unavailable(
        "the files of a turn are recorded before and after it, and the message is in the middle of one that changed files.",
      );
    const found = stateOf(own, at === "before_turn");
    if (found === undefined) throw missing(own);
    return { kind: "recorded", ...found };
  }
  const before = rows.findLast((row) => row.seq < seq);
  const after = rows.find((row) => row.seq > seq);
  const near = (before && stateOf(before, false)) ?? (after && stateOf(after, true));
  if (near !== undefined) return { kind: "nearest", ...near };
  if (before !== undefined) throw missing(before);
  if (after !== undefined) throw missing(after);
  return { kind: "present" };
}

function stateOf({ run_id, before_tree, after_tree, left_out }: Checkpoint, isBefore: boolean) {
  const tree = isBefore ? before_tree : after_tree;
  return tree === null ? undefined : { tree, run_id, isBefore, left_out };
}
