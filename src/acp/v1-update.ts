import { pathToFileURL } from "node:url";
import type {
  ContentBlock,
  ContentChunk,
  SessionConfigOption,
  SessionUpdate,
  ToolCall,
  ToolCallContent,
  ToolCallUpdate,
} from "@agentclientprotocol/sdk/unstable";
import type { FilePart, NoticePart } from "../protocol/message.ts";
import type { ShownDiff } from "./shown-diff.ts";
import { type CallContent, type CallFields, callFields, changedFields } from "./tool-call.ts";
import type { Option, Update } from "./update.ts";

/** What this editor can show beyond the common. */
export type V1Offers = { notices: boolean; compaction: boolean };

/** An update in the words of protocol version 1. */
export function v1Updates(update: Update, offers: V1Offers): SessionUpdate[] {
  switch (update.kind) {
    case "user": {
      const { messageId, text, files, isOwn = false } = update;
      if (isOwn) return [];
      const blocks = [...(text === "" ? [] : [textBlock(text)]), ...files.map(fileBlock)];
      return blocks.map((content) => ({ sessionUpdate: "user_message_chunk", content, messageId }));
    }
    case "text":
      return [{ sessionUpdate: "agent_message_chunk", ...chunk(update) }];
    case "thought":
      return [{ sessionUpdate: "agent_thought_chunk", ...chunk(update) }];
    case "call": {
      const now = callFields(update.call, update.root);
      const toolCallId = update.call.id;
      if (update.before === undefined)
        return [{ sessionUpdate: "tool_call", toolCallId, ...v1Call(now) } as SessionUpdate];
      const changed = changedFields(callFields(update.before, update.root), now);
      if (Object.keys(changed).length === 0) return [];
      return [{ sessionUpdate: "tool_call_update", toolCallId, ...v1Call(changed) } as SessionUpdate];
    }
    case "notice":
      return noticeUpdates(update.notice, offers);
    case "plan": {
      const entries = update.entries.map((entry) => ({ ...entry, priority: "medium" as const }));
      return [{ sessionUpdate: "plan", entries }];
    }
    case "commands":
      return [
        {
          sessionUpdate: "available_commands_update",
          availableCommands: update.commands.map(({ name, description, hint }) => ({
            name,
            description,
            ...(hint !== undefined && { input: { hint } }),
          })),
        },
      ];
    case "options": {
      const mode = update.options.find(({ id }) => id === "mode");
      return [
        ...(mode === undefined
          ? []
          : [{ sessionUpdate: "current_mode_update" as const, currentModeId: mode.current }]),
        { sessionUpdate: "config_option_update", configOptions: update.options.map(v1Option) },
      ];
    }
    case "info":
      return [{ sessionUpdate: "session_info_update", title: update.title, updatedAt: update.updatedAt }];
    case "usage": {
      const { used, size, cost } = update;
      return [{ sessionUpdate: "usage_update", used, size, cost: { amount: cost, currency: "USD" } }];
    }
    case "state":
    case "idle":
      return []; // the reply to the prompt says it
  }
}

export const v1Option = ({
  id,
  name,
  description,
  category,
  current,
  choices,
}: Option): SessionConfigOption => ({
  type: "select",
  id,
  name,
  description,
  ...(category !== null && { category }),
  currentValue: current,
  options: choices.map(({ value, name: shown, description: about }) => ({
    ...{ value, name: shown },
    ...(about !== undefined && { description: about }),
  })),
});

export const textBlock = (text: string): ContentBlock => ({ type: "text", text });

const chunk = ({ messageId, text }: { messageId: string; text: string }): ContentChunk => ({
  content: textBlock(text),
  messageId,
});

/** The bytes of an attachment are not sent again: an editor gets its name, or where it is. */
const fileBlock = ({ name, path, media_type }: FilePart): ContentBlock =>
  path?.startsWith("/")
    ? { type: "resource_link", name, uri: pathToFileURL(path).href, mimeType: media_type }
    : textBlock(`[${path ?? name}]`);

function noticeUpdates(notice: NoticePart, offers: V1Offers): SessionUpdate[] {
  const { id, level, code, text, context } = notice;
  if (context?.kind === "compacted" && offers.compaction)
    return [
      {
        sessionUpdate: "compaction_update",
        compactionId: id,
        status: "completed",
        summary: [textBlock(context.summary)],
      },
    ];
  if (text === "") return [];
  if (offers.notices) return [{ sessionUpdate: "notice", severity: level, title: text }];
  // An error also ends the turn, and is told by that.
  if (level !== "warning" && code !== "compaction") return [];
  return [{ sessionUpdate: "agent_thought_chunk", content: textBlock(text), messageId: id }];
}

/** A call's fields as version 1 has them: it knows no canceled calls. */
export function v1Call(fields: Partial<CallFields>): Omit<ToolCall & ToolCallUpdate, "toolCallId" | "title"> {
  const { status, content, locations, ...same } = fields;
  return {
    ...same,
    ...(status !== undefined && { status: status === "cancelled" ? "failed" : status }),
    ...(content !== undefined && { content: content.flatMap(v1Content) }),
    ...(locations !== undefined && { locations: [...locations] }),
  };
}

export function v1Content(content: CallContent): ToolCallContent[] {
  if ("text" in content) return [{ type: "content", content: textBlock(content.text) }];
  const { kind, path, oldPath, pieces } = content.diff;
  const diffs = pieces.map(
    ({ oldText, newText }): ToolCallContent => ({
      ...{ type: "diff", path, oldText: kind === "added" ? null : oldText, newText },
      ...(kind === "deleted" && { _meta: { kind: "delete" } }), // as other agents say it
    }),
  );
  const words = pieces.length === 0 && kind === "added" ? `New file: ${path}` : wordsOf(kind, path, oldPath);
  return words === undefined ? diffs : [...diffs, { type: "content", content: textBlock(words) }];
}

/** Version 1 has no word for what is more than another text. */
function wordsOf(kind: ShownDiff["kind"], path: string, oldPath: string | undefined): string | undefined {
  if (kind === "deleted") return `Deleted file: ${path}`;
  return kind === "renamed" && oldPath !== undefined ? `Moved file: ${oldPath} to ${path}` : undefined;
}
