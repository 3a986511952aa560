import { endsOf } from "../protocol/cut-text.ts";
import type { Message, ToolCallPart } from "../protocol/message.ts";
import { messageText } from "../protocol/message-text.ts";
import { SHELL_AGENT } from "../protocol/shell-agent.ts";
import { hearthNote, textInside } from "./hearth-note.ts";
import { spokenOf } from "./run/context-changes.ts";
import { earlyEndOf, endTexts } from "./run/early-end.ts";
import type { RunRecord } from "./run/record.ts";

/** The handover: what an agent missed while others answered (design G15). */
const HANDOVER_BYTES_MAX = 32 * 1024;
/** A shorter piece of a message is useless. */
const PIECE_BYTES_MIN = 512;
/** Output kept of commands that a person typed, and of an agent's commands. */
const SHELL_OUTPUT_CHARS_MAX = 8000;
const COMMAND_OUTPUT_CHARS_MAX = 500;

type Missed = {
  run: RunRecord;
  kind: "resumed" | "new";
  /** The last message that the agent knows of, when it resumes. */
  seenSeq: number;
  /** hearth's own agent reads the transcript itself. */
  isNative: boolean;
  transcript: readonly Message[];
};

/** The transcript since the agent's own last turn, newest messages first to be kept, in a tag; null if it missed nothing. */
export function handoverFor({ run, kind, seenSeq, isNative, transcript }: Missed): string | null {
  if (isNative) return null;
  const after = kind === "resumed" ? seenSeq : 0;
  const missed = spokenOf(transcript)
    .filter((message) => message.seq > after && message.run_id !== run.id)
    .map(entryOf)
    .filter((text) => text !== "");
  const kept: string[] = [];
  let room = HANDOVER_BYTES_MAX;
  for (const entry of missed.toReversed()) {
    const bytes = Buffer.byteLength(entry) + 2;
    if (bytes > room) {
      if (room >= PIECE_BYTES_MIN) kept.unshift(endOf(entry, room));
      break;
    }
    room -= bytes;
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

function entryOf(message: Message): string {
  const isShell = message.agent === SHELL_AGENT;
  const files = message.parts.filter((part) => part.type === "file").map(({ name }) => `[attached: ${name}]`);
  const calls = message.parts
    .filter((part) => part.type === "tool_call")
    .map((call) => callText(call, isShell ? SHELL_OUTPUT_CHARS_MAX : COMMAND_OUTPUT_CHARS_MAX));
  const body = [messageText(message), ...files, ...calls].filter((line) => line !== "").join("\n");
  // A command that a person ran is not a request, so its end needs no note.
  const end = isShell ? undefined : earlyEndOf(message);
  if (body === "") return end === undefined ? "" : hearthNote(endTexts[end].unanswered);
  const said = `${speakerOf(message, isShell)}: ${textInside("conversation_so_far", body)}`;
  return end === undefined ? said : `${said}\n${hearthNote(endTexts[end].cut)}`;
}

function speakerOf({ role, agent }: Message, isShell: boolean): string {
  if (role === "user") return isShell ? "User ran" : "User";
  return isShell ? "It said" : `Assistant (${agent})`;
}

/** Output only for commands and failures: the agent can read the files itself. */
function callText({ name, title, kind, status, output }: ToolCallPart, charsMax: number): string {
  const line = `[${name}: ${title} (${status})]`;
  const said = kind === "execute" || status === "failed" ? output.trim() : "";
  return said === "" ? line : `${line}\n${bounded(said, charsMax)}`;
}

const bounded = (text: string, charsMax: number): string => endsOf(text, charsMax, () => "\n[…]\n");

/** The end of an entry: how a message ends matters most for what comes next. */
function endOf(entry: string, bytesMax: number): string {
  const mark = "[The beginning of this is left out.]\n…";
  const bytes = Buffer.from(entry, "utf8");
  let start = bytes.length - (bytesMax - Buffer.byteLength(mark) - 2);
  while (start < bytes.length && ((bytes[start] ?? 0) & 0xc0) === 0x80) start += 1;
  return mark + bytes.subarray(start).toString("utf8");
}
