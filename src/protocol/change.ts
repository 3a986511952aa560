import { z } from "zod";
import { ChangeId, RunId, SessionId } from "./ids.ts";
import { Time } from "./time.ts";

export const changeStates = ["pending", "applied", "rejected", "reverted"] as const;
export const changeKinds = ["added", "modified", "deleted", "renamed"] as const;

/** What became of one file. */
export const FileChange = z.object({
  path: z.string(),
  kind: z.enum(changeKinds),
  /** Of a renamed file. */
  old_path: z.string().optional(),
});
export type FileChange = z.infer<typeof FileChange>;

/** One hunk of a text file. */
export const Hunk = z.object({
  /** Made of the hunk's own text, so it stays while the lines around it change. */
  id: z.string(),
  /** 1-based; a count of 0 is a place between lines. */
  old_start: z.int(),
  old_lines: z.int(),
  new_start: z.int(),
  new_lines: z.int(),
  /** What follows `@@` in its header. */
  heading: z.string(),
  /** Its lines, each with " ", "-", "+" or "\" before it. */
  text: z.string(),
  /** A reverted hunk is in the worktree only; it can be applied again. */
  state: z.enum(changeStates),
});
export type Hunk = z.infer<typeof Hunk>;

/** Why a change cannot go into the tree as it is. */
export const ChangeConflict = z.object({
  /** One sentence for a person. */
  text: z.string(),
  /** What the tree's version changed since the base, and what the agent's did, as unified hunks; null for a file that is not text. */
  ours: z.string().nullable(),
  theirs: z.string().nullable(),
});
export type ChangeConflict = z.infer<typeof ChangeConflict>;

/** What a session's agents did to one file, waiting to be applied or rejected, or already in the tree (`in_place`). */
export const Change = z.object({
  /** Names this content: when the file changes again, its change has another id. */
  id: ChangeId,
  session_id: SessionId,
  /** The turn that last touched the file. */
  run_id: RunId.nullable(),
  /** Relative to the workspace, with "/"; bytes that are not UTF-8 as `\xNN`. */
  path: z.string(),
  /** For a renamed file. */
  old_path: z.string().optional(),
  /** Who last touched it; null: a person. */
  agent: z.string().nullable(),
  /** `pending` while any of its hunks is; then `applied` if any is. */
  state: z.enum(changeStates),
  kind: z.enum(changeKinds),
  binary: z.boolean(),
  /** Git's file modes, such as 100644, 100755, 120000 (a link); null where there is no file. */
  old_mode: z.string().nullable(),
  new_mode: z.string().nullable(),
  additions: z.int(),
  deletions: z.int(),
  /** As it was found, also after hunks were decided. Unified, with git's headers; without hunks for a binary file or one that is too large to show. */
  diff: z.string(),
  hunks: z.array(Hunk),
  /** Set when an apply or a revert was refused for this file. */
  conflict: ChangeConflict.optional(),
  updated_at: Time,
});
export type Change = z.infer<typeof Change>;

/**
 * What to do where both sides changed the same lines: keep the tree's (`ours`), or take the agent's; where a change is
 * reverted, those from before it.
 */
export const Resolve = z.enum(["theirs", "ours"]);
export type Resolve = z.infer<typeof Resolve>;
