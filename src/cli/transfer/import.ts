import { open } from "node:fs/promises";
import { resolve } from "node:path";
import type { Connection } from "../../client/connect.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { SessionId } from "../../protocol/ids.ts";
import { plural } from "../../protocol/plural.ts";
import type { Session } from "../../protocol/session.ts";
import type { ImportedMessage } from "../../protocol/session-file.ts";
import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { shortId, shownTitle } from "../output/format.ts";
import type { ImportedSession } from "./formats/transcript.ts";
import { BrokenFile, broken } from "./formats/value.ts";
import type { ImportKind } from "./recognise.ts";

/** A larger one does not fit into memory together with what is made of it. */
const FILE_BYTES_MAX = 256 * 1024 * 1024;
/** What is sent at once: the daemon takes it in without keeping others waiting. */
const PAGE_CHARS_MAX = 256 * 1024;
const PAGE_MESSAGES_MAX = 100;
/** Below the daemon's limit for a request. */
const MESSAGE_CHARS_MAX = 24 * 1024 * 1024;
const SQLITE = Buffer.from("SQLite format 3\0");

/** `hearth sessions import`: a file of hearth or of another agent becomes a session of this directory. */
export async function importSession(
  { options, positionals }: Parsed,
  { out, err, cwd }: Context,
  connection: Connection,
): Promise<number> {
  const file = positionals[0] ?? "-";
  const kind = options["from"] as ImportKind | undefined;
  const { session, note } = await told(file, async () => {
    const imported = await readFileOf(file, kind, cwd(), connection.workspace.path);
    await mustBeValid(imported);
    return send(connection, imported);
  });
  if (options["json"] === true) await out.json({ session, note }, 2);
  else
    await out.line(
      `Imported "${shownTitle(session.title)}": \`hearth attach ${shortId(session.id)}\` opens it, with ${session.agent} as its agent.${waitingText(session.pending_changes)}`,
    );
  if (note !== undefined && options["json"] !== true) await err.line(note);
  return exitCodes.done;
}

const waitingText = (count: number): string =>
  count === 0
    ? ""
    : ` ${plural(count, "changed file waits", "changed files wait")}: \`hearth changes list\`.`;

/** Names the file in what is wrong with it. */
async function told<T>(file: string, work: () => Promise<T>): Promise<T> {
  const name = file === "-" ? "The input" : file;
  try {
    return await work();
  } catch (error) {
    if (error instanceof BrokenFile) throw new UsageError(`${name}, ${error.message}. Nothing was imported.`);
    if (error instanceof Error && "syscall" in error)
      throw new UsageError(`${name} could not be read: ${error.message}.`);
    throw error;
  }
}

async function readFileOf(
  file: string,
  kind: ImportKind | undefined,
  cwd: string,
  directory: string,
): Promise<ImportedSession> {
  const [, path = file, id] = /^(.+\.db)#([A-Za-z0-9_-]+)$/.exec(file) ?? [];
  const bytes = await (file === "-" ? readAll(process.stdin) : readPath(resolve(cwd, path)));
  if (bytes.subarray(0, SQLITE.length).equals(SQLITE)) {
    if (kind !== undefined && kind !== "opencode") throw broken("the file", `it is no session of ${kind}`);
    if (file === "-")
      throw broken("the file", "a database is read from its own place, not from standard input");
    const { readOpencodeDatabase } = await import("./formats/opencode-disk.ts");
    const { readOpencode } = await import("./formats/opencode.ts");
    return readOpencode(await readOpencodeDatabase(resolve(cwd, path), id, directory));
  }
  const { readSession } = await import("./recognise.ts");
  const read = readSession(decoded(bytes), kind);
  if (!("kind" in read)) return read;
  const { readOpencodeStorage } = await import("./formats/opencode-disk.ts");
  const { readOpencode } = await import("./formats/opencode.ts");
  return readOpencode(await readOpencodeStorage(resolve(cwd, path), read.info));
}

function decoded(bytes: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw broken("the file", "it is not text in UTF-8");
  }
}

const tooLarge = () =>
  broken("the file", `it is larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB, the most that can be imported`);

async function readPath(path: string): Promise<Buffer> {
  const handle = await open(path, "r");
  try {
    const stat = await handle.stat();
    if (stat.isDirectory()) throw broken("the file", "it is a directory: name a session's file in it");
    if (stat.size <= FILE_BYTES_MAX) return await readAll(handle.createReadStream({ autoClose: false }));
    const first = Buffer.alloc(SQLITE.length);
    await handle.read(first, 0, first.length, 0);
    // Of a database only one session is read.
    if (first.equals(SQLITE)) return first;
    throw tooLarge();
  } finally {
    await handle.close();
  }
}

async function readAll(stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as Buffer);
    size += bytes.length;
    if (size > FILE_BYTES_MAX) throw tooLarge();
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

const charsOf = (message: ImportedMessage): number => JSON.stringify(message).length;

/** By the daemon's own schema, before anything is sent. */
async function mustBeValid({ messages, subagents }: ImportedSession): Promise<void> {
  const { ImportedMessage: schema } = await import("../../protocol/session-file.ts");
  for (const [at, message] of messages.entries()) {
    const issue = schema.safeParse(message).error?.issues[0];
    if (issue !== undefined)
      throw broken(`message ${at + 1}`, `${issue.path.join(".")} is wrong: ${issue.message}`);
    if (charsOf(message) > MESSAGE_CHARS_MAX)
      throw broken(`message ${at + 1}`, `it is larger than ${MESSAGE_CHARS_MAX / 1024 / 1024} MiB`);
  }
  for (const child of subagents) await mustBeValid(child);
}

/** The daemon shows it once all of it is there; otherwise nothing remains. */
async function send(
  connection: Connection,
  imported: ImportedSession,
): Promise<{ session: Session; note?: string | undefined }> {
  const wid = connection.workspace.id;
  let root: SessionId | undefined;

  async function sendOne(
    session: ImportedSession,
    subagent?: { of: SessionId; run: string; kind: "explore" | "general"; name?: string },
  ): Promise<SessionId> {
    const { title, created_at, updated_at, usage, cost, plan, agent } = session;
    const { import_id: sid } = await connection.request("POST /v1/workspaces/{wid}/imports", {
      params: { wid },
      body: { title, created_at, updated_at, usage, cost, plan, agent, subagent },
    });
    root ??= sid;
    for (const messages of pagesOf(session.messages))
      await connection.request("POST /v1/workspaces/{wid}/imports/{sid}/messages", {
        params: { wid, sid },
        body: { messages },
      });
    for (const child of session.subagents) {
      const { kind, name, run } = child;
      await sendOne(child, { of: sid, run, kind, ...(name !== undefined && { name }) });
    }
    return sid;
  }
  try {
    const sid = await sendOne(imported);
    const params = { wid, sid };
    const body = { patch: imported.patch };
    return await connection.request("POST /v1/workspaces/{wid}/imports/{sid}/finish", { params, body });
  } catch (error) {
    if (root !== undefined)
      await connection
        .request("DELETE /v1/workspaces/{wid}/imports/{sid}", { params: { wid, sid: root } })
        .catch(() => {}); // a daemon that has gone drops it when it starts
    if (error instanceof HearthError && error.code === "invalid_request")
      throw broken("the file", `hearth does not take it: ${error.message.replace(/\.$/, "")}`);
    throw error;
  }
}

function* pagesOf(messages: readonly ImportedMessage[]): Iterable<ImportedMessage[]> {
  let page: ImportedMessage[] = [];
  let chars = 0;
  for (const message of messages) {
    const size = charsOf(message);
    if (page.length > 0 && (chars + size > PAGE_CHARS_MAX || page.length >= PAGE_MESSAGES_MAX)) {
      yield page;
      page = [];
      chars = 0;
    }
    page.push(message);
    chars += size;
  }
  if (page.length > 0) yield page;
}
