import type { ToolCallStatus, ToolKind, ToolView } from "../../../protocol/message.ts";
import type { Decision } from "../../../protocol/permission.ts";
import type { Outcome, RunError } from "../../../protocol/run.ts";

/**
 * Stable: `<message id>/<part id>/<index>`, or a name of the same form for what belongs to no part. The same
 * content gets the same id however it arrived (streamed in any pieces, or replayed whole), so a set of
 * committed ids is enough to commit each block once.
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
  /** Folded into a running turn. */
  isSteering: boolean;
  /** A command for the shell. */
  isShell?: boolean | undefined;
};

/** One top-level Markdown block of an answer (a paragraph, a list, a table …), as source. */
export type TextBlock = {
  id: BlockId;
  type: "text";
  /** Sanitised. */
  text: string;
  /** The first of its part: carries the bullet. */
  isFirst: boolean;
  /** The live tail of a stream: never committed, rendered the same. */
  isOpen: boolean;
  /** Stands directly under the block before it, without a blank line. */
  isTight: boolean;
  /** What an ordered list's item is numbered with: a list is committed item by item. */
  listNumber?: number | undefined;
  /** Who says it, when it is not the session's usual agent. */
  agent?: string | undefined;
};

/** Some lines of a fenced code block; a long fence is committed in several. */
export type CodeBlock = {
  id: BlockId;
  type: "code";
  language: string;
  /** The lines, sanitised, without a final line feed. */
  code: string;
  /** Earlier lines of the same fence (bounded), so that highlighting knows where it stands. */
  before: string;
  /** The first lines of their fence. */
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
  /** Changed before it ran by this client; undefined for this terminal, null when it was not. */
  editedBy: string | undefined | null;
  view?: ToolView | undefined;
  /** Running time so far, for a call that is still open. */
  elapsedMs?: number | undefined;
  agent?: string | undefined;
};

/** A file that an agent handed over. */
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
};

/** What became of a permission question, in one line. */
export type PermissionBlock = {
  id: BlockId;
  type: "permission";
  /** What the decision is called, where it is no permission. */
  verdict?: string | undefined;
  /** Undefined: withdrawn unanswered. */
  decision?: Decision | undefined;
  /** The command, the path. */
  subject: string;
  /** Who answered; undefined for this terminal, null when a rule or policy did. */
  by?: string | undefined | null;
  afterMs?: number | undefined;
  message?: string | undefined;
  /** The subject is what the person made of it. */
  isEdited?: boolean | undefined;
};

/** How a turn ended. */
export type TurnEndBlock = {
  id: BlockId;
  type: "turn_end";
  outcome: Outcome;
  error?: Pick<RunError, "code" | "message"> | undefined;
  durationMs?: number | undefined;
  /** Who canceled it; undefined for this terminal, null where nobody knows any more. */
  by?: string | undefined | null;
  /** Titles of the tool calls that it stopped. */
  stopped: readonly string[];
  /** Prompts held behind it. */
  held: number;
  tokens?: number | undefined;
  cost?: number | undefined;
  agent?: string | undefined;
};

export type HeaderBlock = {
  id: BlockId;
  type: "header";
  version: string;
  /** Shortened by `~`. */
  path: string;
  branch: string | null;
  sessionTitle?: string | undefined;
  /** Short facts after a dot: "daemon started", "joined 2 terminals". */
  facts: readonly string[];
};

/** A terminal came or went, or this one joined: one line between dashes or after a dot. */
export type PresenceBlock = { id: BlockId; type: "presence"; text: string; isRule: boolean };

export type QueueBlock = {
  id: BlockId;
  type: "queue";
  /** In order. `by` undefined: this terminal. */
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
