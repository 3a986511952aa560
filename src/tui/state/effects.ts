import type { PermissionId, RunId, SessionId } from "../../protocol/ids.ts";
import type { Decision, PermissionMode } from "../../protocol/permission.ts";
import type { Attachment } from "../../protocol/routes.ts";
import type { Delivery } from "../../protocol/run.ts";
import type { Block } from "../text/blocks/block.ts";
import type { ThemeChoice } from "../theme.ts";
import type { AppState, Opening } from "./state.ts";

/** What a step asks for outside the state; the controller carries it out. */
export type Effect =
  /** `isShell`: the text is a `!` and a command. */
  | { do: "send"; text: string; delivery: Delivery; attachments: readonly Attachment[]; isShell?: true }
  | { do: "cancel"; id?: SessionId }
  /** `command`: what is allowed instead of the one that was asked about. */
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
  | { do: "delete_session"; id: SessionId }
  | { do: "load_sessions"; isArchive?: boolean }
  | { do: "load_grants" }
  | { do: "load_trust" }
  | { do: "give_trust"; hash: string }
  | { do: "revoke_trust" }
  | { do: "revoke_grant"; id: number }
  | { do: "fork"; id: SessionId }
  | { do: "find_files"; query: string }
  /** What was pasted may be the paths of files; otherwise it is text. */
  | { do: "attach_path"; text: string }
  | { do: "paste_image" }
  | { do: "copy"; text: string }
  /** `file` is empty for a name made of the session's. */
  | { do: "export"; file: string }
  | { do: "doctor" }
  | { do: "set_theme"; name: ThemeChoice }
  /** A page of the whole conversation, the one before what is loaded. */
  | { do: "load_transcript" }
  /** Jumps to the next match in the transcript overlay. */
  | { do: "find"; isOlder: boolean }
  | { do: "change_queued"; id: RunId; prompt?: string; delivery?: Delivery }
  | { do: "withdraw"; id: RunId }
  | { do: "resume_queue" }
  | { do: "retry_now" }
  | { do: "remember"; text: string }
  | { do: "print"; block: Block }
  | { do: "repaint" }
  | { do: "edit_outside" }
  | { do: "suspend" }
  | { do: "leave" }
  /** Something in the state expires at this moment. */
  | { do: "wake"; at: number };

export type SessionChanges = {
  title?: string;
  agent?: string;
  model?: string | null;
  mode?: PermissionMode;
  agent_mode?: string | null;
  archived?: boolean;
};

/** A new state and what follows from it. */
export type Step = { state: AppState; effects: readonly Effect[] };

export const stay = (state: AppState): Step => ({ state, effects: [] });
export const step = (state: AppState, ...effects: Effect[]): Step => ({ state, effects });
