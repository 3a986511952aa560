import type { ToolKind } from "../../protocol/message.ts";

/** What a tool call wants to do, in the terms that rules speak of. */
export type PermissionSubject =
  | { type: "command"; command: string; cwd: string }
  /** Absolute path; not yet resolved. `unified` shows a write as a diff without file headers. */
  | { type: "path"; access: "read" | "write"; path: string; unified?: string }
  | { type: "url"; url: string }
  /** Whatever else, told in full. */
  | { type: "other"; text: string };

export type PermissionRequest = {
  tool_call_id: string;
  /** The name that rules use: bash, read, edit, fetch, or the tool's own. Writes of any tool are `edit`. */
  tool: string;
  kind: ToolKind;
  title: string;
  subject: PermissionSubject;
  /** The call can be made with another command; of a subject that is a command. */
  editable?: boolean;
};

export type Verdict =
  /** `edited`: with this command, which has been judged as well, instead of the one that was asked about. */
  | { decision: "allow"; edited?: { command: string; by: string | null } }
  /** The model is told `message` and the turn goes on. */
  | { decision: "deny"; message: string }
  /** The run is ending; nothing is told to anyone. */
  | { decision: "canceled" };
