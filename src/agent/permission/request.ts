import type { FileChange } from "../../protocol/change.ts";
import type { ToolKind } from "../../protocol/message.ts";
import type { Confinement } from "../sandbox/sandbox.ts";

/** What a tool call wants to do, in the terms of rules. */
export type PermissionSubject =
  /** `sandbox`: what the tool can give it; `wider`: it asks for more than a sandbox allows. */
  | {
      type: "command";
      command: string;
      cwd: string;
      sandbox?: "writable" | "read_only" | "wider" | undefined;
      /** The image of the container that it runs in. */
      container?: string | undefined;
    }
  /**
   * Absolute path; not yet resolved. `unified` shows a write as a diff without file headers, `file` says what becomes of
   * the file.
   */
  | { type: "path"; access: "read" | "write"; path: string; unified?: string; file?: FileChange }
  /** `redirectedFrom`: the address, already allowed, that leads there. */
  | { type: "url"; url: string; redirectedFrom?: string | undefined }
  /** Anything else, as text. */
  | { type: "other"; text: string };

export type PermissionRequest = {
  tool_call_id: string;
  /** The name that rules use: bash, read, edit, fetch, or the tool's own. Writes of any tool are `edit`. */
  tool: string;
  kind: ToolKind;
  title: string;
  subject: PermissionSubject;
  /** The person may change the command; only for a subject that is a command. */
  editable?: boolean;
};

export type Verdict =
  /** `edited`: run this command instead; it has been judged too. */
  | {
      decision: "allow";
      edited?: { command: string; by: string | null };
      /** Where the command has to run; undefined: outside the sandbox. */
      sandbox?: Confinement | undefined;
      /** The host of the address may lie in this machine or network. */
      privateHost?: boolean | undefined;
    }
  /** The model is told `message` and the turn goes on. */
  | { decision: "deny"; message: string }
  /** The run is ending; nobody is told anything. */
  | { decision: "canceled" };
