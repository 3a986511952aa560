import type { Connection } from "../../client/connect.ts";
import { type SessionSource, sanitized, sourceOf } from "../../client/session-source.ts";
import { redactSecrets } from "../../protocol/secrets.ts";
import type { Session } from "../../protocol/session.ts";
import type { Context } from "../context.ts";
import { exitCodes } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import type { Output } from "../output/output.ts";
import { lastUsed } from "../sessions/choose.ts";
import { findSession } from "../sessions/find.ts";
import type { FileFacts } from "./json.ts";
import { writePieces } from "./sink.ts";

/** `hearth sessions export`: a session as a file, to standard output or to `-o`. */
export async function exportSession(
  { options, positionals }: Parsed,
  context: Context,
  connection: Connection,
): Promise<number> {
  const wanted = positionals[0];
  const session =
    wanted === undefined ? await lastUsed(connection, "to export") : await findSession(connection, wanted);
  const whole = sourceOf(connection, session);
  const source = options["sanitize"] === true ? sanitized(whole) : whole;
  const format = typeof options["format"] === "string" ? options["format"] : "json";
  const file = typeof options["output"] === "string" ? options["output"] : undefined;
  const pieces = await piecesOf(
    format,
    source,
    connection,
    options["sanitize"] === true ? context.err : undefined,
  );
  await writePieces(pieces, file === "-" ? undefined : file, context.out, context.cwd());
  if (file !== undefined && file !== "-") await context.err.line(`Exported ${session.id} to ${file}.`);
  return exitCodes.done;
}

async function piecesOf(
  format: string,
  source: SessionSource,
  connection: Connection,
  /** Set for a sanitized export: where to say what is left out. */
  err: Output | undefined,
): Promise<AsyncIterable<string>> {
  switch (format) {
    case "markdown":
      return (await import("../../tui/export/markdown.ts")).sessionMarkdownPieces(source);
    case "html":
      return (await import("../../tui/export/html.ts")).sessionHtml(source);
    case "atif":
      return (await import("./atif.ts")).sessionAtif(source);
    default: {
      const facts = { path: connection.workspace.path, patch: await patchOf(source.session, connection) };
      const { sessionJson } = await import("./json.ts");
      return sessionJson(source, err === undefined ? facts : await withoutSecrets(facts, err));
    }
  }
}

/** What waits in the session's worktree, or came with it and was kept. */
async function patchOf({ id, pending_changes }: Session, connection: Connection) {
  const params = { wid: connection.workspace.id, sid: id };
  const { patch, base, note } = await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/patch", {
    params,
  });
  const isWaiting = pending_changes > 0 || note !== undefined;
  return isWaiting && patch !== "" ? { base, data: patch } : null;
}

/** Nothing in a patch can be left out: the files that it makes would be others. */
async function withoutSecrets(facts: FileFacts, err: Output): Promise<FileFacts> {
  if (facts.patch === null) return facts;
  const text = Buffer.from(facts.patch.data, "base64").toString("utf8");
  if (redactSecrets(text) === text) return facts;
  await err.line("The changes that wait hold what looks like a key: they are left out.");
  return { ...facts, patch: null };
}
