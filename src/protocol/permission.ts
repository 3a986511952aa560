import { z } from "zod";
import { FileChange } from "./change.ts";
import { permissionModes } from "./choices.ts";
import { ClientId, PermissionId, RunId, SessionId } from "./ids.ts";
import { ToolKind } from "./message.ts";
import { Time } from "./time.ts";

export const PermissionMode = z.enum(permissionModes);
export type PermissionMode = z.infer<typeof PermissionMode>;

export const Decision = z.enum(["allow_once", "allow_session", "allow_always", "deny"]);
export type Decision = z.infer<typeof Decision>;

/** What the question is about, in full: everything that will run or change. */
export const PermissionDetail = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("command"),
    command: z.string(),
    cwd: z.string(),
    /** Why hearth asks, one short phrase each: "network", "writes outside the workspace", … */
    reasons: z.array(z.string()),
    /** Whether it will run in the sandbox; absent for an agent whose commands hearth does not start. */
    sandboxed: z.boolean().optional(),
    /** The image of the container that it will run in. */
    container: z.string().optional(),
    /** The answer may contain another command (`input`), which the agent runs instead. */
    editable: z.boolean().optional(),
    /** The command from the answer, which ran instead of `command`. */
    edited: z.string().optional(),
  }),
  z.object({
    type: z.literal("edit"),
    path: z.string(),
    /** Unified diff without file headers; empty when the agent does not say what it will write. */
    unified: z.string(),
    /** What becomes of the file, where it is known. */
    file: FileChange.optional(),
    reasons: z.array(z.string()),
  }),
  z.object({ type: z.literal("text"), text: z.string(), reasons: z.array(z.string()) }),
  /**
   * A plan that the person approves, in Markdown. `allow_once` leaves plan mode for `ask`, `allow_session` for
   * `accept_edits`; `deny` sends it back, with words.
   */
  z.object({ type: z.literal("plan"), text: z.string(), reasons: z.array(z.string()) }),
  /** The agent asks the person: `message` of an `allow_once` is the answer, a choice's label or other words. */
  z.object({
    type: z.literal("question"),
    question: z.string(),
    choices: z.array(z.object({ label: z.string(), description: z.string().optional() })),
    reasons: z.array(z.string()),
  }),
]);
export type PermissionDetail = z.infer<typeof PermissionDetail>;

export const PermissionOption = z.object({
  decision: Decision,
  label: z.string(),
  /** The exact rules that this choice stores; empty for a single answer. */
  rules: z.array(z.string()),
});
export type PermissionOption = z.infer<typeof PermissionOption>;

/** A permission that a person gave for longer than one call. */
export const Grant = z.object({
  id: z.int(),
  /** The session it is limited to; null: always, in this workspace. */
  session_id: SessionId.nullable(),
  rule: z.string(),
  granted_by: ClientId.nullable(),
  granted_at: Time,
  /** The scripts of the workspace that it was given for. It asks again for one that has changed. */
  scripts: z.array(z.object({ name: z.string(), changed: z.boolean() })),
});
export type Grant = z.infer<typeof Grant>;

export const Permission = z.object({
  id: PermissionId,
  session_id: SessionId,
  run_id: RunId,
  tool_call_id: z.string(),
  agent: z.string(),
  kind: ToolKind,
  title: z.string(),
  detail: PermissionDetail,
  options: z.array(PermissionOption),
  asked_at: Time,
  state: z.enum(["open", "answered", "canceled"]),
  decision: Decision.nullable(),
  message: z.string().nullable(),
  answered_by: ClientId.nullable(),
  answered_at: Time.nullable(),
});
export type Permission = z.infer<typeof Permission>;
