import type { ToolCallStatus, ToolKind, ToolView } from "../../../protocol/message.ts";
import type { Decision } from "../../../protocol/permission.ts";
import type { Outcome, RunError } from "../../../protocol/run.ts";

/**
 * Stable: `<message id>/<part id>/<index>`, or a name of the same form for a block of no part. The same content has the
 * same id whether it was streamed or replayed, so a set of committed ids is enough to commit each block once.
 */
export type BlockId = string;

/** A prompt as it was sent. */
export type PromptBlock = {
  id: BlockId;
  type: "prompt";
  text: string;
  /** Who sent it; undefined for this terminal. */
  by?: string | undefined;
  files: readonly { name: string; mediaType: string; size: number }[];
  /** Sent into a running turn. */
  isSteering: boolean;
  /** A shell command. */
  isShell?: boolean | undefined;
};

/** The source of one top-level Markdown block of an answer: a paragraph, a list, a table … */
export type TextBlock = {
  id: BlockId;
  type: "text";
  /** Sanitised. */
  text: string;
  /** The first block of its part: has the bullet. */
  isFirst: boolean;
  /** The unfinished end of a stream: never committed, but rendered in the same way. */
  isOpen: boolean;
  /** Has no blank line before it. */
  isTight: boolean;
  /** The number of an ordered list's item: a list is committed item by item. */
  listNumber?: number | undefined;
  /** Set if it is not the session's usual agent. */
  agent?: string | undefined;
};

/** Some lines of a fenced code block; a long fence is committed in several. */
export type CodeBlock = {
  id: BlockId;
  type: "code";
  language: string;
  /** The lines, sanitised, without a final line feed. */
  code: string;
  /** Earlier lines of the same fence (bounded), as context for the highlighter. */
  before: string;
  /** Has the first lines of its fence. */
  opensFence: boolean;
  isFirst: boolean;
  isOpen: boolean;
  agent?: string | undefined;
};

export type ReasoningBlock = { id: BlockId; type: "reasoning"; text: string; isOpen: boolean };

export type ToolCallBlock = {
  id: BlockId;
  type: "tool_call";
  toolCallId: string;
  name: string;
  kind: ToolKind;
  title: string;
  input: unknown;
  status: ToolCallStatus;
  output: string;
  /** The client that edited the call before it ran; undefined for this terminal, null for nobody. */
  editedBy: string | undefined | null;
  view?: ToolView | undefined;
  /** The model's provider ran it itself. */
  isProviderRun?: boolean | undefined;
  /** The running time so far of a call that is running. */
  elapsedMs?: number | undefined;
  agent?: string | undefined;
};

/** A file that an agent sent. */
export type FileBlock = {
  id: BlockId;
  type: "file";
  name: string;
  mediaType: string;
  size: number;
  path?: string | undefined;
};

export type NoticeBlock = {
  id: BlockId;
  type: "notice";
  level: "info" | "warning" | "error";
  code: string;
  text: string;
  /** Shown where everything is shown in full. */
  detail?: string | undefined;
};

/** The result of a permission question, in one line. */
export type PermissionBlock = {
  id: BlockId;
  type: "permission";
  /** What the decision is called, where it is no permission. */
  verdict?: string | undefined;
  /** Undefined: withdrawn without an answer. */
  decision?: Decision | undefined;
  /** The command, the path. */
  subject: string;
  /** Who answered; undefined for this terminal, null when a rule or policy did. */
  by?: string | undefined | null;
  afterMs?: number | undefined;
  message?: string | undefined;
  /** The person has edited the subject. */
  isEdited?: boolean | undefined;
};

/** How a turn ended. */
export type TurnEndBlock = {
  id: BlockId;
  type: "turn_end";
  outcome: Outcome;
  error?: Pick<RunError, "code" | "message"> | undefined;
  durationMs?: number | undefined;
  /** Who canceled it; undefined for this terminal, null if that is not known any more. */
  by?: string | undefined | null;
  /** Titles of the tool calls that it stopped. */
  stopped: readonly string[];
  /** The number of prompts held after it. */
  held: number;
  tokens?: number | undefined;
  cost?: number | undefined;
  agent?: string | undefined;
};

export type HeaderBlock = {
  id: BlockId;
  type: "header";
  version: string;
  /** With `~` for the home folder. */
  path: string;
  branch: string | null;
  sessionTitle?: string | undefined;
  /** Shown after dots: "daemon started", "joined 2 terminals". */
  facts: readonly string[];
};

/** A terminal joined or left: a line between rules (`isRule`) or after a dot. */
export type PresenceBlock = { id: BlockId; type: "presence"; text: string; isRule: boolean };

export type QueueBlock = {
  id: BlockId;
  type: "queue";
  /** `by` undefined: this terminal. */
  entries: readonly { text: string; by?: string | undefined; isHeld: boolean; isSteering: boolean }[];
};

export type Block =
  | PromptBlock
  | TextBlock
  | CodeBlock
  | ReasoningBlock
  | ToolCallBlock
  | FileBlock
  | NoticeBlock
  | PermissionBlock
  | TurnEndBlock
  | HeaderBlock
  | PresenceBlock
  | QueueBlock;
