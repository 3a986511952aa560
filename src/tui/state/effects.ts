import type { ChangeId, MessageId, PermissionId, RunId, SessionId, TaskId } from "../../protocol/ids.ts";
import type { Decision, PermissionMode } from "../../protocol/permission.ts";
import type { Attachment } from "../../protocol/routes/runs.ts";
import type { Delivery } from "../../protocol/run.ts";
import type { Isolation } from "../../protocol/session.ts";
import type { TaskEntry } from "../../protocol/task.ts";
import type { Block } from "../text/blocks/block.ts";
import type { ThemeChoice } from "../theme.ts";
import type { AppState, Opening } from "./state.ts";

/** What a step requests besides the new state; the controller performs it. */
export type Effect =
  /** `isShell`: the text is `!` and a shell command. */
  | { do: "send"; text: string; delivery: Delivery; attachments: readonly Attachment[]; isShell?: true }
  | { do: "cancel"; id?: SessionId }
  /** `command`: the edited command to allow instead of the one in the question. */
  | {
      do: "answer";
      id: PermissionId;
      decision: Decision;
      message: string | undefined;
      command?: string | undefined;
    }
  | { do: "change_session"; changes: SessionChanges; id?: SessionId }
  | { do: "open_session"; id: SessionId | null; opening?: Opening }
  | { do: "clear_screen" }
  /** `isForced`: also when that loses changes that nobody has judged. */
  | { do: "delete_session"; id: SessionId; isForced?: boolean }
  | { do: "load_sessions"; isArchive?: boolean }
  | { do: "search_sessions"; query: string }
  | { do: "load_grants" }
  | { do: "login"; provider: string; key: string }
  | { do: "load_job"; id: string }
  | { do: "end_job"; id: string }
  | { do: "load_trust" }
  | { do: "give_trust"; hash: string }
  | { do: "revoke_trust" }
  | { do: "revoke_grant"; id: number }
  /** `message_id`: from before that prompt, which goes to the composer. `files`: in a worktree, as they were then. */
  | { do: "fork"; id: SessionId; message_id?: MessageId; prompt?: string; files?: boolean }
  /** Opens the session and its changes. */
  | { do: "review_session"; id: SessionId }
  | { do: "load_tasks" }
  | {
      do: "start_arena";
      agents: readonly string[];
      prompt: string;
      mode: PermissionMode | undefined;
    }
  /** All of it, or one entry. */
  | { do: "stop_task"; id: TaskId; session_id?: SessionId }
  | { do: "compare_entries"; entries: readonly TaskEntry[] }
  /** Applies all pending changes of that session. */
  | { do: "take_entry"; id: SessionId; name: string }
  /** Deletes the session and its worktree, with what was not applied. */
  | { do: "discard_entry"; id: SessionId }
  | { do: "load_changes" }
  /** A changed file whole, for the review. */
  | { do: "load_whole"; id: ChangeId }
  /** Applies, discards or undoes changes of files: all of each, or some hunks of one. */
  | {
      do: "judge_changes";
      verb: "apply" | "reject" | "revert";
      ids: readonly ChangeId[];
      hunks?: readonly string[];
      resolve?: "theirs" | "ours";
    }
  /** The same for the file of that path, or for `all`. */
  | { do: "judge_named"; verb: "apply" | "reject"; name: string }
  /** Opens a file of the session in the editor; lines count from 1. */
  | { do: "open_file"; root: string | undefined; path: string; line: number | undefined }
  | { do: "find_files"; query: string }
  /** `query`: the draft without its slash. */
  | { do: "find_arguments"; query: string }
  /** A paste that may be paths of files; if it is not, it is inserted as text. */
  | { do: "attach_path"; text: string }
  | { do: "paste_image" }
  | { do: "copy"; text: string }
  /** An empty `file`: named after the session. */
  | { do: "export"; file: string }
  | { do: "doctor" }
  | { do: "set_theme"; name: ThemeChoice }
  /** Loads the page before the loaded ones. */
  | { do: "load_transcript" }
  /** Jumps to the next match in the transcript overlay. */
  | { do: "find"; isOlder: boolean }
  | { do: "change_queued"; id: RunId; prompt?: string; delivery?: Delivery }
  | { do: "withdraw"; id: RunId }
  | { do: "resume_queue" }
  | { do: "compact"; keep: string }
  /** Prints what fills the model's window. */
  | { do: "show_context" }
  /** Takes the last turn back, or all from a message on; right after a compaction, that. By default files and conversation. */
  | { do: "undo"; message_id?: MessageId; files?: boolean; conversation?: boolean }
  /** Loads the turns of the session for the open list. */
  | { do: "load_turns" }
  /** Asks what going back to before that prompt would change, for the open list. */
  | { do: "preview_undo"; message_id: MessageId }
  | { do: "redo"; files?: boolean; conversation?: boolean }
  | { do: "retry_now" }
  | { do: "remember"; text: string }
  | { do: "print"; block: Block }
  | { do: "repaint" }
  | { do: "edit_outside" }
  | { do: "suspend" }
  | { do: "leave" }
  /** Something in the state expires then. */
  | { do: "wake"; at: number };

export type SessionChanges = {
  title?: string;
  agent?: string;
  model?: string | null;
  mode?: PermissionMode;
  agent_mode?: string | null;
  isolation?: Isolation;
  archived?: boolean;
};

/** A new state and its effects. */
export type Step = { state: AppState; effects: readonly Effect[] };

export const stay = (state: AppState): Step => ({ state, effects: [] });
export const step = (state: AppState, ...effects: Effect[]): Step => ({ state, effects });
