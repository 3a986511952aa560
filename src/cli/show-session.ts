import type { Connection } from "../client/connect.ts";
import type { Message, Part } from "../protocol/message.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { findSession } from "./find-session.ts";
import type { Output } from "./output.ts";
import { withoutEscapes } from "./printable.ts";
import type { Parsed } from "./table.ts";

const PAGE = 500;
/** Of a tool's output: what says what it did. The whole of it is in --json. */
const OUTPUT_LINES_MAX = 12;

/** `hearth sessions show`: the transcript, oldest first; with --json the session and its messages as they are. */
export async function showSession(
  { options, positionals }: Parsed,
  { out }: Context,
  connection: Connection,
): Promise<number> {
  const session = await findSession(connection, positionals[0] ?? "");
  const messages = await allMessages(connection, session.id);
  if (options["json"] === true) {
    await out.line(JSON.stringify({ session, messages }, null, 2));
    return exitCodes.done;
  }
  const print = out.isTerminal() ? (text: string) => out.write(withoutEscapes(text)) : out.write;
  await print(`${session.title || "(no title)"}\n${session.id}, ${session.agent}, ${session.state}\n`);
  for (const message of messages) await printMessage(message, { ...out, write: print });
  return exitCodes.done;
}

async function allMessages(connection: Connection, sid: Parameters<typeof pageOf>[1]): Promise<Message[]> {
  const pages: Message[][] = [];
  for (let before: string | null | undefined; before !== null; ) {
    const page = await pageOf(connection, sid, before);
    pages.push(page.messages);
    before = page.next_before;
  }
  return pages.reverse().flat();
}

const pageOf = (connection: Connection, sid: Message["session_id"], before: string | undefined) =>
  connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/messages", {
    params: { wid: connection.workspace.id, sid },
    query: before === undefined ? { limit: PAGE } : { limit: PAGE, before },
  });

async function printMessage(message: Message, out: Output): Promise<void> {
  for (const part of message.parts) {
    const text = message.role === "user" ? textOfPrompt(part) : textOfAnswer(part);
    if (text !== "") await out.write(`\n${text.trimEnd()}\n`);
  }
  const { finish_reason } = message;
  if (finish_reason !== null && !["end_turn", "tool_use"].includes(finish_reason)) {
    await out.write(`\n(${finish_reason.replaceAll("_", " ")})\n`);
  }
}

const textOfPrompt = (part: Part): string =>
  part.type === "text" ? part.text.replace(/^/gm, "> ") : part.type === "file" ? `> [${part.name}]` : "";

function textOfAnswer(part: Part): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "reasoning":
      return "";
    case "tool_call": {
      const status = part.status === "completed" ? "" : ` (${part.status})`;
      return [`* ${part.name} ${part.title}${status}`, ...shorten(part.output)].join("\n");
    }
    case "file":
      return `[${part.name}]`;
    case "notice":
      return `! ${part.text}`;
  }
}

function shorten(output: string): string[] {
  const lines = output.trimEnd() === "" ? [] : output.trimEnd().split("\n");
  const shown = lines.length > OUTPUT_LINES_MAX + 1 ? lines.slice(0, OUTPUT_LINES_MAX) : lines;
  const left = lines.length - shown.length;
  return [...shown.map((line) => `    ${line}`), ...(left === 0 ? [] : [`    … ${left} more lines`])];
}
