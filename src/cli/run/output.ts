import type { HearthEvent } from "../../protocol/events.ts";
import type { MessageId, PartId, RunId } from "../../protocol/ids.ts";
import type { Message, Part } from "../../protocol/message.ts";
import type { RunCompleted } from "../../protocol/run.ts";
import type { Output } from "../output/output.ts";
import { withoutEscapes } from "../output/printable.ts";

/** Prints a headless run. A pending promise means that the reader is slow. */
export type RunOutput = {
  /** The run's events, in order. */
  event(event: HearthEvent): Promise<void>;
  /** Called once, after the run's events. */
  completed(end: RunCompleted, event: HearthEvent | undefined): Promise<void>;
};

/** Prints only the payload of the run's end. */
export const createJsonOutput = (out: Output): RunOutput => ({
  event: async () => {},
  completed: (end) => out.json(end),
});

/** Prints one event per line, as in the event stream. */
export const createStreamJsonOutput = (out: Output): RunOutput => ({
  event: (event) => out.json(event),
  completed: async (end, event) => {
    const last = event ?? { seq: 0, type: "run.completed", time: new Date().toISOString(), payload: end };
    await out.json({ ...last, session_id: end.session_id });
  },
});

type TextOptions = { out: Output; err: Output; isVerbose: boolean };

/**
 * Prints the assistant's text as it streams. Tool calls and notices go to stderr, in short, if that is a terminal or
 * with --verbose.
 */
export function createTextOutput({ out, err, isVerbose }: TextOptions): RunOutput {
  const parts = new Map<PartId, { type: Part["type"]; printed: number }>();
  const printed = new Set<string>();
  let wasText = false;
  let endsLine = true;
  let lastPart: PartId | undefined;

  const print = async (id: PartId, text: string) => {
    if (text === "") return;
    // Each text part is a paragraph, as in the end's `text`.
    if (wasText && lastPart !== id) await out.write(endsLine ? "\n" : "\n\n");
    lastPart = id;
    wasText = true;
    const shown = out.isTerminal() ? withoutEscapes(text) : text;
    endsLine = shown.endsWith("\n");
    await out.exact(shown);
  };
  const tell = async (key: string, text: string) => {
    if (printed.has(key) || !(isVerbose || err.isTerminal())) return;
    printed.add(key);
    // If both are one screen, a tool line must not break into a line of text.
    if (out.isTerminal() && err.isTerminal() && !endsLine) {
      await out.write("\n");
      endsLine = true;
    }
    await err.line(text.replaceAll("\n", " "));
  };
  const settle = async (message: Message) => {
    if (message.role !== "assistant") return;
    for (const part of message.parts) {
      const known = parts.get(part.id) ?? { type: part.type, printed: 0 };
      parts.set(part.id, known);
      if (part.type === "text") {
        const fresh = part.text.slice(known.printed);
        known.printed = Math.max(known.printed, part.text.length);
        await print(part.id, fresh);
      } else if (part.type === "tool_call") {
        if (part.status !== "pending") await tell(`${part.id} call`, `● ${part.name} ${part.title}`);
        if (part.status === "failed" || part.status === "denied") {
          await tell(`${part.id} end`, `  ✗ ${part.status}: ${firstLine(part.output)}`);
        }
      } else if (part.type === "notice") await tell(part.id, `! ${part.text}`);
    }
  };
  return {
    async event(event) {
      if (event.type === "message.created" || event.type === "message.updated")
        await settle(event.payload.message);
      else if (event.type === "part.delta") {
        const { part_id, field, offset, text } = event.payload;
        const known = parts.get(part_id);
        if (known === undefined || known.type !== "text" || field !== "text" || offset > known.printed)
          return;
        const fresh = text.slice(known.printed - offset);
        known.printed += fresh.length;
        await print(part_id, fresh);
      }
    },
    async completed(end) {
      if (!wasText && end.text !== "") await out.exact(end.text);
      endsLine = wasText ? endsLine : end.text === "" || end.text.endsWith("\n");
      if (!endsLine) await out.write("\n");
    },
  };
}

const firstLine = (text: string): string => (text.trimStart().split("\n", 1)[0] ?? "").slice(0, 200);

/** Selects the events of a session that belong to one run. */
export function createRunFilter(runId: RunId): (event: HearthEvent) => boolean {
  const messages = new Set<MessageId>();
  return (event) => {
    switch (event.type) {
      case "message.created":
      case "message.updated": {
        const { message } = event.payload;
        if (message.run_id !== runId) return false;
        messages.add(message.id);
        return true;
      }
      case "part.delta":
        return messages.has(event.payload.message_id);
      case "run.accepted":
      case "run.queued":
      case "run.held":
      case "run.started":
        return event.payload.run.id === runId;
      case "run.completed":
        return event.payload.run_id === runId;
      case "permission.requested":
      case "permission.resolved":
        return event.payload.permission.run_id === runId;
      default:
        return true; // about the whole session: title, plan, agents
    }
  };
}
