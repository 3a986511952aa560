import type { RunError } from "../../protocol/run.ts";
import type { BackendEvent, TurnResult } from "../backend.ts";
import { finishReason, planEntries, usageOf } from "./conversions.ts";
import { runError } from "./failure.ts";
import { kindOfTool, textOf, titleOfTool, viewOfTool } from "./tool-call.ts";
import type { TurnEvent } from "./turn-state.ts";
import type {
  AssistantInfo,
  ModelError,
  Part,
  PermissionAsked,
  QuestionAsked,
  Tokens,
  ToolPart,
  WireEvent,
} from "./wire.ts";

export type TurnAction =
  | { do: "emit"; event: BackendEvent }
  | { do: "ask"; permission: PermissionAsked }
  | { do: "answer"; question: QuestionAsked }
  /** An event for the turn's state. */
  | { do: "step"; event: TurnEvent };

type KnownPart = { kind: "text" | "reasoning"; sent: number; isWhole: boolean };
/** `hasUsage`: its last part, which carries the usage, has come. */
type KnownMessage = { isOpen: boolean; hasUsage: boolean };

export type TurnTranslator = ReturnType<typeof createTurnTranslator>;

/**
 * Translates opencode's events of one turn. No I/O. The turn is bound to `message_id`, the id that hearth gave its user
 * message: only assistant messages with that parent end it. null: the agent works by itself, and the turn ends when
 * the session is idle.
 */
export function createTurnTranslator({
  agent,
  session_id,
  message_id,
  root,
  isMine,
}: {
  agent: string;
  session_id: string;
  message_id: string | null;
  isMine(info: AssistantInfo, isStored: boolean): boolean;
  /** Paths are shown relative to it. */
  root: string;
}) {
  /** The session and the sub-sessions that its tools opened. */
  const sessionIds = new Set([session_id]);
  const messages = new Map<string, KnownMessage>();
  const parts = new Map<string, KnownPart>();
  const calls = new Map<string, ToolPart>();
  const outputs = new Map<string, string>();
  const diffs = new Map<string, string>();
  const denied = new Set<string>();
  const asked = new Set<string>();
  /** The events come from stored messages, and are complete. */
  let isStored = false;
  let out: TurnAction[] = [];

  const emit = (event: BackendEvent) => void out.push({ do: "emit", event });
  const step = (event: TurnEvent) => void out.push({ do: "step", event });

  function stepFinished(known: KnownMessage, reason: string | undefined, tokens: Tokens, cost: number) {
    if (!known.isOpen) return;
    known.isOpen = false;
    emit({ type: "step_finished", finish_reason: finishReason(reason), usage: usageOf(tokens), cost });
  }

  function begin(info: AssistantInfo, known: KnownMessage) {
    known.isOpen = true;
    const named = info.providerID !== undefined && info.modelID !== undefined;
    emit({ type: "step_started", model: named ? `${info.providerID}/${info.modelID}` : null });
  }

  function assistantUpdated(info: AssistantInfo) {
    let known = messages.get(info.id);
    if (known === undefined) {
      known = { isOpen: false, hasUsage: false };
      messages.set(info.id, known);
      begin(info, known);
    }
    if (info.time.completed === undefined) return;
    // opencode sends events late: this one may arrive before the last text of its message. Stored messages are complete.
    const isSure = isStored || (info.error === undefined && known.hasUsage);
    if (!isSure) return step({ type: "maybe_over" });
    step({ type: "answered" });
    if (info.error === undefined && info.tokens !== undefined)
      stepFinished(known, info.finish, info.tokens, info.cost);
    const result = resultOf(info);
    if (info.parentID === message_id && result !== undefined) return step({ type: "over", result });
    // A message that answers another prompt does not end this turn.
    if (info.error !== undefined) step({ type: "session_failed", error: failureOf(info.error) });
  }

  /** undefined when the turn continues after this message. */
  function resultOf({ error, finish }: AssistantInfo): TurnResult | undefined {
    if (error?.name === "MessageOutputLengthError") return { outcome: "max_tokens" };
    if (error !== undefined) return { outcome: "error", error: runError(agent, error) };
    if (finish === undefined || finish === "tool-calls" || finish === "unknown") return undefined;
    const reason = finishReason(finish);
    return { outcome: reason === "max_tokens" || reason === "refusal" ? reason : "end_turn" };
  }

  function stream(id: string, kind: "text" | "reasoning", text: string, isOver: boolean) {
    let known = parts.get(id);
    if (known === undefined) {
      known = { kind, sent: 0, isWhole: true };
      parts.set(id, known);
    }
    const rest = text.slice(known.sent);
    known.sent = Math.max(known.sent, text.length);
    known.isWhole = true;
    if (rest !== "") emit({ type: kind === "text" ? "text_delta" : "reasoning_delta", text: rest });
    if (isOver) emit({ type: "part_ended" });
  }

  function toolUpdated(part: ToolPart) {
    const { callID: tool_call_id, tool, state } = part;
    const before = calls.get(tool_call_id);
    calls.set(tool_call_id, part);
    const kind = kindOfTool(tool);
    const title = titleOfTool(part, root);
    const { input } = state;
    if (before === undefined) {
      const status = state.status === "pending" ? "pending" : "running";
      emit({ type: "tool_call", tool_call_id, name: tool, kind, title, input, status });
    } else if (state.status === "running" && before.state.status === "pending") {
      emit({ type: "tool_call_updated", tool_call_id, status: "running", title, kind, input });
    }
    if (state.status === "running") return toolOutput(tool_call_id, state.metadata?.["output"]);
    const wasOver = before?.state.status === "completed" || before?.state.status === "error";
    if (state.status === "pending" || wasOver) return;
    const view = state.status === "completed" ? viewOfTool(part, diffs.get(tool_call_id), root) : undefined;
    const status =
      state.status === "completed" ? "completed" : denied.has(tool_call_id) ? "denied" : "failed";
    const output = (state.status === "completed" ? state.output : state.error) ?? "";
    emit({
      type: "tool_call_updated",
      tool_call_id,
      status,
      title,
      input,
      output,
      ...(view === undefined ? {} : { view }),
    });
  }

  /** opencode repeats the whole output each time; only the new part is emitted. */
  function toolOutput(tool_call_id: string, output: unknown) {
    if (typeof output !== "string") return;
    const before = outputs.get(tool_call_id) ?? "";
    outputs.set(tool_call_id, output);
    if (output.startsWith(before)) {
      if (output !== before) emit({ type: "tool_output", tool_call_id, text: output.slice(before.length) });
    } else emit({ type: "tool_call_updated", tool_call_id, output });
  }

  function partUpdated(part: Part) {
    const known = messages.get(part.messageID);
    if (known === undefined) return;
    switch (part.type) {
      case "text":
      case "reasoning":
        return stream(part.id, part.type, part.text, part.time?.end !== undefined);
      case "tool":
        return toolUpdated(part);
      case "step-finish":
        known.hasUsage = true;
        step({ type: "answered" });
        return stepFinished(known, part.reason, part.tokens, part.cost);
      case "step-start":
        return;
    }
  }

  function handle(event: WireEvent) {
    switch (event.type) {
      case "message.updated": {
        const { info } = event.properties;
        if (info.role === "user") {
          if (info.id !== message_id) return;
          step({ type: "taken" });
          // Stored messages are read only after the session was busy.
          if (isStored) step({ type: "busy" });
        } else if (isMine(info, isStored)) assistantUpdated(info);
        return;
      }
      case "message.part.updated":
        return partUpdated(event.properties.part);
      case "message.part.delta": {
        const { partID, field, delta } = event.properties;
        const known = parts.get(partID);
        if (known === undefined || field !== "text" || !known.isWhole) return;
        known.sent += delta.length;
        return emit({ type: known.kind === "text" ? "text_delta" : "reasoning_delta", text: delta });
      }
      case "session.status": {
        if (event.properties.sessionID !== session_id) return;
        const { status } = event.properties;
        if (status.type !== "retry") return step({ type: status.type });
        const text = `The provider did not answer: ${status.message}. ${agent} tries again (${status.attempt}).`;
        return step({ type: "retrying", text });
      }
      case "session.idle":
        return event.properties.sessionID === session_id ? step({ type: "idle" }) : undefined;
      case "session.error":
        return event.properties.sessionID === session_id
          ? step({ type: "session_failed", error: failureOf(event.properties.error) })
          : undefined;
      case "session.created":
      case "session.updated": {
        const { id, parentID } = event.properties.info;
        if (parentID !== undefined && sessionIds.has(parentID)) sessionIds.add(id);
        return;
      }
      case "session.compacted": {
        if (event.properties.sessionID !== session_id) return;
        const text = `${agent} has summarized the older part of the conversation.`;
        return emit({ type: "notice", level: "info", code: "compaction", text });
      }
      case "todo.updated":
        if (event.properties.sessionID === session_id)
          emit({ type: "plan", entries: planEntries(event.properties.todos) });
        return;
      case "permission.asked":
        return permissionAsked(event.properties);
      case "question.asked":
        if (!sessionIds.has(event.properties.sessionID) || asked.has(event.properties.id)) return;
        asked.add(event.properties.id);
        return void out.push({ do: "answer", question: event.properties });
    }
  }

  function permissionAsked(permission: PermissionAsked) {
    // Answer only questions of this session and its sub-sessions.
    if (!sessionIds.has(permission.sessionID) || asked.has(permission.id)) return;
    asked.add(permission.id);
    const diff = textOf(permission.metadata["diff"]);
    if (permission.tool !== undefined && diff !== undefined) diffs.set(permission.tool.callID, diff);
    out.push({ do: "ask", permission });
  }

  /** null for an abort: it is not a failure. */
  const failureOf = (error: ModelError | undefined): RunError | null =>
    error === undefined || error.name === "MessageAbortedError" ? null : runError(agent, error);

  function collect(work: () => void): TurnAction[] {
    out = [];
    work();
    return out;
  }

  return {
    accept: (event: WireEvent): TurnAction[] => collect(() => handle(event)),
    /** Call after the stream was lost: deltas of open parts are ignored until the whole part arrives. */
    markGap() {
      for (const part of parts.values()) part.isWhole = false;
    },
    /** Merges the session's stored messages. Deltas are ignored again until the whole part arrives. */
    merge: (events: readonly WireEvent[]): TurnAction[] =>
      collect(() => {
        isStored = true;
        for (const event of events) handle(event);
        isStored = false;
        for (const part of parts.values()) part.isWhole = false;
      }),
    deny: (tool_call_id: string) => void denied.add(tool_call_id),
    call: (tool_call_id: string | undefined): ToolPart | undefined =>
      tool_call_id === undefined ? undefined : calls.get(tool_call_id),
    has: (sessionId: string): boolean => sessionIds.has(sessionId),
  };
}
