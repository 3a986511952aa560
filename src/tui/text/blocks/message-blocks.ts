import type { Message, TextPart, ToolCallPart, ToolCallStatus } from "../../../protocol/message.ts";
import type { Run } from "../../../protocol/run.ts";
import { SHELL_AGENT } from "../../commands/shell-command.ts";
import { createTextStream, type Piece, type TextStream } from "../markdown/open-text.ts";
import type { Block, ToolCallBlock, TurnEndBlock } from "./block.ts";
import { noticeBlock } from "./notice-block.ts";
import { isWithdrawal, WITHDRAWN, withdrawnBlock } from "./withdrawn.ts";

/** What blocks show besides their message's content. Anything may be unknown, as for a run that ended long ago. */
export type BlockContext = {
  /** The usual agent: its calls and turns are shown without a name. */
  agent: string;
  /** The agent of the answer before this message. An answer of another agent is shown with its name. */
  speaker?(message: Message): string | undefined;
  /** The message's run. While its outcome is null, the end of the turn stays open. */
  run(runId: string): RunFacts | undefined;
  /** A client's shown name ("pts/4"); undefined for this terminal. */
  nameOf(clientId: string): string | undefined;
  /** How long a tool call has been running. */
  elapsedMs?(toolCallId: string): number | undefined;
  /** The number of prompts held after a canceled run. */
  held?(runId: string): number;
};
export type RunFacts = Pick<
  Run,
  "outcome" | "error" | "started_at" | "completed_at" | "by" | "canceled_by" | "delivery" | "usage" | "cost"
>;

/** `closed`: final blocks, each given once, in order. `open`: the unfinished blocks after them. */
export type FeedUpdate = { closed: Block[]; open: Block[] };

export type MessageFeed = {
  /** Takes a newer state of the same message. Parts are only added, text only grows. */
  update(message: Message): FeedUpdate;
  /** Whether every block of the message has been given as closed. */
  isDone(): boolean;
};

type PartFeed = {
  text: string;
  stream: TextStream;
  count: number;
  skip: number;
  ready: Block[];
  isEnded: boolean;
};

const openStatuses: ReadonlySet<ToolCallStatus> = new Set(["pending", "running"]);

/** Turns one message into blocks while it streams. */
export function createMessageFeed(context: BlockContext): MessageFeed {
  const parts = new Map<string, PartFeed>();
  const given = new Set<string>();
  let isDone = false;

  /** A text is taken as complete when a later part exists or the message has ended; later text is not lost. */
  const followText = (message: Message, part: TextPart, isSettled: boolean): PartFeed => {
    let feed = parts.get(part.id);
    if (feed === undefined || !part.text.startsWith(feed.text)) {
      feed = newPartFeed(feed?.count ?? 0);
      parts.set(part.id, feed);
    } else if (feed.isEnded && part.text.length > feed.text.length) {
      feed = { ...feed, stream: createTextStream(), isEnded: false };
      parts.set(part.id, feed);
    }
    const take = (pieces: readonly Piece[]) => {
      for (const piece of pieces) {
        if (feed.count >= feed.skip)
          feed.ready.push(blockOfPiece(message, part, feed.count, piece, false, context));
        feed.count += 1;
      }
    };
    take(feed.stream.push(part.text.slice(feed.text.length)));
    feed.text = part.text;
    if (isSettled && !feed.isEnded) {
      take(feed.stream.end());
      feed.isEnded = true;
    }
    return feed;
  };

  return {
    isDone: () => isDone,
    update(message) {
      const closed: Block[] = [];
      const open: Block[] = [];
      let isBlocked = false;
      const give = (block: Block, isFinal: boolean) => {
        if (!isFinal) isBlocked = true;
        if (given.has(block.id)) return;
        if (isBlocked) open.push(block);
        else {
          given.add(block.id);
          closed.push(block);
        }
      };
      // A turn that nobody prompted begins with a notice that says why.
      if (message.role === "user" && !message.parts.some(({ type }) => type === "notice")) {
        give(promptBlock(message, context), true);
        isDone = true;
        return { closed, open };
      }
      for (const [index, part] of message.parts.entries()) {
        const isSettled = message.completed_at !== null || index < message.parts.length - 1;
        if (part.type === "text") {
          const feed = followText(message, part, isSettled);
          // A closed block is given and dropped; after an open one it waits.
          for (const block of feed.ready) give(block, true);
          if (!isBlocked) feed.ready = [];
          const piece = feed.isEnded ? undefined : feed.stream.open();
          if (piece !== undefined) give(blockOfPiece(message, part, feed.count, piece, true, context), false);
          else if (!feed.isEnded) isBlocked = true;
          continue;
        }
        const block = blockOfPart(message, part, isSettled, context);
        const isFinal =
          part.type === "tool_call" ? !openStatuses.has(part.status) : isSettled || part.type !== "reasoning";
        if (block !== undefined) give(block, isFinal);
        else if (!isFinal) isBlocked = true;
      }
      if (message.completed_at === null) return { closed, open };
      const end = turnEndBlock(message, context);
      if (end === "open") return { closed, open };
      if (end !== undefined) give(end, true);
      isDone = !isBlocked;
      return { closed, open };
    },
  };
}

/** All blocks of a message as it stands, whether final or not. */
export function blocksOf(message: Message, context: BlockContext): Block[] {
  const { closed, open } = createMessageFeed(context).update(message);
  return [...closed, ...open];
}

const newPartFeed = (skip: number): PartFeed => ({
  text: "",
  stream: createTextStream(),
  count: 0,
  skip,
  ready: [],
  isEnded: false,
});

const agentOf = ({ agent }: Message, context: BlockContext) =>
  agent === context.agent || agent === SHELL_AGENT ? {} : { agent };

const speakerOf = (message: Message, context: BlockContext) =>
  message.agent === (context.speaker?.(message) ?? context.agent) ? {} : { agent: message.agent };

function blockOfPiece(
  message: Message,
  part: TextPart,
  index: number,
  piece: Piece,
  isOpen: boolean,
  context: BlockContext,
): Block {
  const base = {
    id: `${message.id}/${part.id}/${index}`,
    isFirst: index === 0,
    isOpen,
    ...(index === 0 ? speakerOf(message, context) : {}),
  };
  return { ...base, ...piece };
}

function blockOfPart(
  message: Message,
  part: Exclude<Message["parts"][number], TextPart>,
  isSettled: boolean,
  context: BlockContext,
): Block | undefined {
  const id = `${message.id}/${part.id}/0`;
  switch (part.type) {
    case "reasoning":
      return part.text.trim() === ""
        ? undefined
        : { id, type: "reasoning", text: part.text, isOpen: !isSettled };
    case "tool_call":
      return toolCallBlock(id, message, part, context);
    case "file":
      if (part.tool_call_id !== undefined) return undefined; // for the model; the call says what was read
      return {
        id,
        type: "file",
        name: part.name,
        mediaType: part.media_type,
        size: part.size,
        path: part.path,
      };
    case "notice":
      if (part.code === WITHDRAWN) return withdrawnBlock(id, message, part.text, context);
      return noticeBlock(id, part);
  }
}

function toolCallBlock(
  id: string,
  message: Message,
  part: ToolCallPart,
  context: BlockContext,
): ToolCallBlock {
  const { name, kind, title, input, status, output, view, edited } = part;
  const editedBy = edited === undefined ? null : edited.by === null ? "somebody" : context.nameOf(edited.by);
  // The wait for a permission does not count as running time.
  const elapsedMs = status === "running" ? context.elapsedMs?.(part.tool_call_id) : undefined;
  const toolCallId = part.tool_call_id;
  const block = {
    id,
    type: "tool_call",
    toolCallId,
    name,
    kind,
    title,
    input,
    status,
    output,
    view,
    editedBy,
    isProviderRun: part.provider_run,
  } as const;
  return { ...block, elapsedMs, ...agentOf(message, context) };
}

function promptBlock(message: Message, context: BlockContext): Block {
  const run = context.run(message.run_id);
  const texts = message.parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  const files = message.parts.flatMap((part) =>
    part.type === "file" ? [{ name: part.name, mediaType: part.media_type, size: part.size }] : [],
  );
  return {
    id: `${message.id}/prompt/0`,
    type: "prompt",
    text: texts.join("\n\n"),
    by: run?.by == null ? undefined : context.nameOf(run.by),
    files,
    isSteering: run?.outcome === "steered",
    ...(message.agent === SHELL_AGENT && { isShell: true }),
  };
}

/** "open" while the turn may go on; undefined if the message does not end a turn. */
function turnEndBlock(message: Message, context: BlockContext): TurnEndBlock | "open" | undefined {
  const reason = message.finish_reason;
  if (reason === null || reason === "tool_use" || isWithdrawal(message)) return undefined;
  const run = context.run(message.run_id);
  if (run?.outcome === null) return "open";
  const started = run?.started_at ?? undefined;
  const completed = run?.completed_at ?? undefined;
  const stopped = message.parts.flatMap((part) =>
    part.type === "tool_call" &&
    part.not_run !== true &&
    (part.status === "canceled" || part.status === "interrupted")
      ? [part.title]
      : [],
  );
  return {
    id: `${message.id}/end/0`,
    type: "turn_end",
    outcome: run?.outcome ?? reason,
    ...(run?.error == null || isTold(message, run.error.code) ? {} : { error: run.error }),
    ...(started === undefined || completed === undefined
      ? {}
      : { durationMs: Date.parse(completed) - Date.parse(started) }),
    by: run?.canceled_by == null ? null : context.nameOf(run.canceled_by),
    stopped,
    // Prompts held now say nothing about a cancel of long ago.
    held: run === undefined ? 0 : (context.held?.(message.run_id) ?? 0),
    ...(run === undefined ? {} : { tokens: run.usage.output_tokens, cost: run.cost }),
    ...agentOf(message, context),
  };
}

/** Whether the message already has a notice with this code: the daemon adds a run's error to its last message. */
const isTold = (message: Message, code: string): boolean =>
  message.parts.some((part) => part.type === "notice" && part.code === code);
