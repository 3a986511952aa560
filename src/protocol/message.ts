import { z } from "zod";
import { FileChange } from "./change.ts";
import { ClientId, MessageId, PartId, RunId, SessionId } from "./ids.ts";
import { Outcome } from "./run.ts";
import { Time } from "./time.ts";
import { Usage } from "./usage.ts";

/** The tool kinds of the Agent Client Protocol, so that all backends' calls are shown and judged alike. */
export const ToolKind = z.enum([
  "read",
  "edit",
  "delete",
  "move",
  "search",
  "execute",
  "think",
  "fetch",
  "switch_mode",
  "other",
]);
export type ToolKind = z.infer<typeof ToolKind>;

export const ToolCallStatus = z.enum([
  "pending",
  "running",
  "completed",
  "failed",
  "denied",
  "canceled",
  "interrupted",
]);
export type ToolCallStatus = z.infer<typeof ToolCallStatus>;

/** What a screen shows of a tool's result beyond its text. */
export const ToolView = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("diff"),
    path: z.string(),
    /** Further files of the same call. Then the first hunk of each file begins with a line `\ PATH`. */
    more_paths: z.array(z.string()).optional(),
    /** What became of each file, where it is known: the text alone does not tell a deleted file from an emptied one. */
    files: z.array(FileChange).optional(),
    /** Unified diff without file headers. A shortened one ends with a line `\\ N more lines`. */
    unified: z.string(),
    additions: z.int(),
    deletions: z.int(),
  }),
  z.object({ kind: z.literal("file"), path: z.string(), line_count: z.int() }),
  z.object({ kind: z.literal("matches"), count: z.int(), truncated: z.boolean() }),
  z.object({
    kind: z.literal("command"),
    command: z.string(),
    exit_code: z.int().nullable(),
    duration_ms: z.int(),
    truncated: z.boolean(),
  }),
]);
export type ToolView = z.infer<typeof ToolView>;

export const TextPart = z.object({
  id: PartId,
  type: z.literal("text"),
  text: z.string(),
  /** Provider data (signatures, the phase of the answer) that must go back verbatim to the model that made it. */
  provider: z.record(z.string(), z.unknown()).optional(),
});
export const ReasoningPart = z.object({
  id: PartId,
  type: z.literal("reasoning"),
  text: z.string(),
  /** Provider data (signatures) that must go back verbatim to the model that made it. */
  provider: z.record(z.string(), z.unknown()).optional(),
});
export const ToolCallPart = z.object({
  id: PartId,
  type: z.literal("tool_call"),
  tool_call_id: z.string(),
  name: z.string(),
  kind: ToolKind,
  title: z.string(),
  input: z.unknown(),
  status: ToolCallStatus,
  /** The result text for the model, or the output streamed so far. */
  output: z.string(),
  view: ToolView.optional(),
  /** The call was canceled or interrupted before it started. */
  not_run: z.boolean().optional(),
  /** A person changed the call before it ran: `input` above is the changed one, this is the model's. */
  edited: z.object({ by: ClientId.nullable(), input: z.unknown() }).optional(),
  /** The model's provider ran it itself (its search of the web), without a question: hearth did not. */
  provider_run: z.literal(true).optional(),
  /** Provider data that must go back verbatim with the call. */
  provider: z.record(z.string(), z.unknown()).optional(),
});
export const FilePart = z.object({
  id: PartId,
  type: z.literal("file"),
  name: z.string(),
  media_type: z.string(),
  /** Bytes. */
  size: z.int(),
  path: z.string().optional(),
  /** The call whose result it belongs to, such as an image that was read; else a person attached it. */
  tool_call_id: z.string().optional(),
  /** Base64, for an attachment without a path; never in events or snapshots. */
  data: z.string().optional(),
});
/** A change of what the model is sent of the conversation. The transcript itself stays whole. */
export const ContextChange = z.discriminatedUnion("kind", [
  /** A person asks for a compaction; `keep`: what must not be lost. */
  z.object({ kind: z.literal("asked"), keep: z.string() }),
  /** `head` stands for all messages before `from_seq`: the summary, and what the user wrote. */
  z.object({
    kind: z.literal("compacted"),
    from_seq: z.int(),
    summary: z.string(),
    head: z.string(),
    /** Estimates. */
    tokens_before: z.int(),
    tokens_after: z.int(),
    /** A person has taken it back. */
    undone: z.boolean().optional(),
  }),
  /** Long outputs of tools are left out of messages before `before_seq`. */
  z.object({
    kind: z.literal("pruned"),
    before_seq: z.int(),
    tokens: z.int(),
    undone: z.boolean().optional(),
  }),
]);
export type ContextChange = z.infer<typeof ContextChange>;

export const NoticePart = z.object({
  id: PartId,
  type: z.literal("notice"),
  level: z.enum(["info", "warning", "error"]),
  /** Stable code for programs: retry, stall, unsandboxed, handover, … */
  code: z.string(),
  text: z.string(),
  context: ContextChange.optional(),
});
export const Part = z.discriminatedUnion("type", [
  TextPart,
  ReasoningPart,
  ToolCallPart,
  FilePart,
  NoticePart,
]);

export type TextPart = z.infer<typeof TextPart>;
export type ReasoningPart = z.infer<typeof ReasoningPart>;
export type ToolCallPart = z.infer<typeof ToolCallPart>;
export type FilePart = z.infer<typeof FilePart>;
export type NoticePart = z.infer<typeof NoticePart>;
export type Part = z.infer<typeof Part>;

/** How a step ended: like its run for the last step, else `tool_use`. */
export const FinishReason = z.enum([...Outcome.options, "tool_use"]);
export type FinishReason = z.infer<typeof FinishReason>;

export const Message = z.object({
  id: MessageId,
  session_id: SessionId,
  run_id: RunId,
  /** Order within the session. A waiting prompt gets a higher number when its run starts. */
  seq: z.int(),
  role: z.enum(["user", "assistant"]),
  agent: z.string(),
  model: z.string().nullable(),
  parts: z.array(Part),
  finish_reason: FinishReason.nullable(),
  /** The step's usage; absent until known, or if the backend does not report it. */
  usage: Usage.optional(),
  created_at: Time,
  updated_at: Time,
  completed_at: Time.nullable(),
});
export type Message = z.infer<typeof Message>;
