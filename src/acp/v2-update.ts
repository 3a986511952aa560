import { pathToFileURL } from "node:url";
import type {
  ContentBlock,
  DiffChange,
  SessionConfigOption,
  SessionUpdate,
  ToolCallContent,
  ToolCallUpdate,
} from "@agentclientprotocol/sdk/experimental/v2/unstable";
import type { FilePart, NoticePart } from "../protocol/message.ts";
import { rpcCodeOf, turnEndOf } from "./end.ts";
import { usageOf } from "./guarded.ts";
import type { ShownDiff } from "./shown-diff.ts";
import { type CallContent, type CallFields, callFields, changedFields } from "./tool-call.ts";
import type { EditorCommand, Option, TurnOutcome, Update } from "./update.ts";

/** An agent's plan is one; a new one takes the place of the old. */
const PLAN_ID = "plan";

/** An update in the words of the draft of protocol version 2. */
export function v2Updates(update: Update): SessionUpdate[] {
  switch (update.kind) {
    case "user": {
      const { messageId, text, files } = update;
      const content = [...(text === "" ? [] : [textBlock(text)]), ...files.map(fileBlock)];
      return [{ sessionUpdate: "user_message", messageId, content }];
    }
    // A replay begins each message as a whole; what streams is added to it.
    case "text": {
      const { messageId, text, isFirst } = update;
      const content = textBlock(text);
      if (isFirst) return [{ sessionUpdate: "agent_message", messageId, content: [content] }];
      return [{ sessionUpdate: "agent_message_chunk", messageId, content }];
    }
    case "thought": {
      const { messageId, text, isFirst } = update;
      const content = textBlock(text);
      if (isFirst) return [{ sessionUpdate: "agent_thought", messageId, content: [content] }];
      return [{ sessionUpdate: "agent_thought_chunk", messageId, content }];
    }
    case "call": {
      const now = callFields(update.call, update.root);
      const before = update.before && callFields(update.before, update.root);
      const changed = changedFields(before, now);
      if (Object.keys(changed).length === 0) return [];
      return [{ sessionUpdate: "tool_call_update", ...v2Call(update.call.id, changed) }];
    }
    case "notice":
      return noticeUpdates(update.notice);
    case "plan": {
      const entries = update.entries.map((entry) => ({ ...entry, priority: "medium" as const }));
      return [{ sessionUpdate: "plan_update", plan: { type: "items", planId: PLAN_ID, entries } }];
    }
    case "commands":
      return [
        { sessionUpdate: "available_commands_update", availableCommands: update.commands.map(v2Command) },
      ];
    case "options":
      return [{ sessionUpdate: "config_option_update", configOptions: update.options.map(v2Option) }];
    case "info":
      return [{ sessionUpdate: "session_info_update", title: update.title, updatedAt: update.updatedAt }];
    case "usage": {
      const { used, size, cost } = update;
      return [{ sessionUpdate: "usage_update", used, size, cost: { amount: cost, currency: "USD" } }];
    }
    case "state":
      if (update.state === "waiting") return [{ sessionUpdate: "state_update", state: "requires_action" }];
      return [{ sessionUpdate: "state_update", state: "running" }];
    case "idle":
      return [idleUpdate(update.end)];
  }
}

function idleUpdate(outcome: TurnOutcome): SessionUpdate {
  const end = turnEndOf(outcome);
  const idle = {
    ...{ sessionUpdate: "state_update" as const, state: "idle" as const },
    ...(outcome.usage && { usage: usageOf(outcome.usage) }),
  };
  if ("error" in end) {
    const { code, message } = end.error;
    return { ...idle, stopReason: "error", error: { code: rpcCodeOf(code), message, data: { code } } };
  }
  switch (end.stopReason) {
    case "end_turn":
      return { ...idle, stopReason: "end_turn" };
    case "max_tokens":
      return { ...idle, stopReason: "max_tokens" };
    case "max_turn_requests":
      return { ...idle, stopReason: "max_turn_requests" };
    case "refusal":
      return { ...idle, stopReason: "refusal" };
    case "cancelled":
      return { ...idle, stopReason: "cancelled" };
  }
}

export const v2Option = ({
  id,
  name,
  description,
  category,
  current,
  choices,
}: Option): SessionConfigOption => ({
  type: "select",
  configId: id,
  name,
  description,
  ...(category !== null && { category }),
  currentValue: current,
  options: choices.map(({ value, name: shown, description: about }) => ({
    ...{ value, name: shown },
    ...(about !== undefined && { description: about }),
  })),
});

export const v2Command = ({ name, description, hint }: EditorCommand) => ({
  type: "command" as const,
  name,
  description,
  ...(hint !== undefined && { input: { type: "text" as const, hint } }),
});

const textBlock = (text: string): ContentBlock => ({ type: "text", text });

const fileBlock = ({ name, path, media_type }: FilePart): ContentBlock =>
  path?.startsWith("/")
    ? { type: "resource_link", name, uri: pathToFileURL(path).href, mimeType: media_type }
    : textBlock(`[${path ?? name}]`);

function noticeUpdates({ id, level, text, context }: NoticePart): SessionUpdate[] {
  if (context?.kind === "compacted") {
    const summary = [textBlock(context.summary)];
    return [{ sessionUpdate: "compaction_update", compactionId: id, status: "completed", summary }];
  }
  return text === "" ? [] : [{ sessionUpdate: "notice", severity: level, title: text }];
}

export function v2Call(toolCallId: string, fields: Partial<CallFields>): ToolCallUpdate {
  const { content, locations, ...same } = fields;
  return {
    toolCallId,
    ...same,
    ...(content !== undefined && { content: content.map(v2Content) }),
    ...(locations !== undefined && { locations: [...locations] }),
  };
}

export function v2Content(content: CallContent): ToolCallContent {
  if ("text" in content) return { type: "content", content: textBlock(content.text) };
  const { diff } = content;
  const patch = diff.pieces.length > 0 || diff.kind === "renamed" ? gitPatch(diff) : undefined;
  return {
    ...{ type: "diff", changes: [changeOf(diff)] },
    ...(patch !== undefined && { patch: { format: "git_patch", text: patch } }),
  };
}

function changeOf({ kind, path, oldPath }: ShownDiff): DiffChange {
  switch (kind) {
    case "added":
      return { operation: "add", path };
    case "deleted":
      return { operation: "delete", path };
    case "renamed":
      return oldPath === undefined ? { operation: "add", path } : { operation: "move", oldPath, path };
    case "modified":
      return { operation: "modify", path };
  }
}

function gitPatch({ kind, path, oldPath = path, pieces }: ShownDiff): string {
  const [old, made] = [oldPath, path].map((each) => each.replace(/^\//, "")) as [string, string];
  const extended = {
    ...{ added: ["new file mode 100644"], deleted: ["deleted file mode 100644"], modified: [] },
    renamed: [`rename from ${old}`, `rename to ${made}`],
  }[kind];
  const names = [
    `--- ${kind === "added" ? "/dev/null" : `a/${old}`}`,
    `+++ ${kind === "deleted" ? "/dev/null" : `b/${made}`}`,
  ];
  const hunks = pieces.map(({ unified }) => unified);
  const body = hunks.length === 0 ? [] : [...names, ...hunks];
  return `${[`diff --git a/${old} b/${made}`, ...extended, ...body].join("\n")}\n`;
}
