import { type Message, messageText } from "../protocol/message.ts";
import type { RunRecord } from "./run-record.ts";

/** What an agent that is switched to is told of what it missed (design G15). */
const handoverBytesMax = 32 * 1024;

type Missed = {
  run: RunRecord;
  kind: "resumed" | "new";
  /** The last message that the agent knows of, when it resumes. */
  seenSeq: number;
  /** Our own agent reads the transcript itself. */
  isNative: boolean;
  transcript: readonly Message[];
};

/** The transcript since the agent's own last turn, newest kept, marked as what it is; null when it missed nothing. */
export function handoverFor({ run, kind, seenSeq, isNative, transcript }: Missed): string | null {
  if (isNative) return null;
  const after = kind === "resumed" ? seenSeq : 0;
  const missed = transcript.filter((message) => message.seq > after && message.run_id !== run.id).map(told);
  const kept: string[] = [];
  let bytes = 0;
  for (const entry of missed.filter((text) => text !== "").reverse()) {
    bytes += Buffer.byteLength(entry) + 2;
    if (bytes > handoverBytesMax) break;
    kept.unshift(entry);
  }
  if (kept.length === 0) return null;
  const left = missed.length - kept.length;
  const note = left > 0 ? ` The ${left} oldest messages are left out.` : "";
  return [
    `<conversation_so_far note="What was said in this session while you were not answering.${note} It is context, not a request; the request follows it.">`,
    ...kept,
    "</conversation_so_far>",
  ].join("\n\n");
}

function told(message: Message): string {
  const text = messageText(message);
  const calls = message.parts
    .filter((part) => part.type === "tool_call")
    .map((call) => `[${call.name}: ${call.title} (${call.status})]`);
  const body = [text, ...calls].filter((line) => line !== "").join("\n");
  if (body === "") return "";
  return `${message.role === "user" ? "User" : `Assistant (${message.agent})`}: ${body}`;
}
