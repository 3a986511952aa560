import { access, writeFile } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Connection } from "../../client/connect.ts";
import type { Message } from "../../protocol/message.ts";
import type { Session } from "../../protocol/session.ts";
import { sessionMarkdown } from "../text/markdown/session-markdown.ts";

const PAGE = 500;

/** Writes a session as Markdown. Without a name the file is named after the session. Never overwrites a file. */
export async function exportSession(
  connection: Connection,
  session: Session,
  wanted: string,
  cwd: string,
  signal: AbortSignal,
): Promise<string> {
  const params = { wid: connection.workspace.id, sid: session.id };
  const pages: Message[][] = [];
  for (let before: string | null | undefined; before !== null; ) {
    const page: { messages: Message[]; next_before: string | null } = await connection.request(
      "GET /v1/workspaces/{wid}/sessions/{sid}/messages",
      { params, query: before === undefined ? { limit: PAGE } : { limit: PAGE, before }, signal },
    );
    pages.unshift(page.messages);
    before = page.next_before;
  }
  const path = resolve(cwd, wanted === "" ? await freeName(session, cwd) : wanted);
  await writeFile(path, sessionMarkdown(session, pages.flat()), { flag: "wx" });
  return wanted === "" ? basename(path) : wanted;
}

async function freeName(session: Session, cwd: string): Promise<string> {
  const words = session.title.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  const stem = words.slice(0, 6).join("-").slice(0, 60) || session.id.slice(0, 12);
  for (let number = 1; ; number += 1) {
    const name = `${stem}${number === 1 ? "" : `-${number}`}.md`;
    const isTaken = await access(resolve(cwd, name)).then(
      () => true,
      () => false,
    );
    if (!isTaken) return name;
  }
}
