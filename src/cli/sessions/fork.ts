import type { Connection } from "../../client/connect.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { withoutEscapes } from "../output/printable.ts";
import { lastUsed } from "./choose.ts";
import { findSession } from "./find.ts";

/** `hearth sessions fork`. */
export async function forkSession(
  { options, positionals }: Parsed,
  { out, err }: Context,
  connection: Connection,
): Promise<number> {
  const { at, before } = options;
  const isJson = options["json"] === true;
  if (at !== undefined && before !== undefined) throw new UsageError("Say --at or --before, not both.");
  const [wanted] = positionals;
  const session =
    wanted === undefined ? await lastUsed(connection, "to fork") : await findSession(connection, wanted);
  const message = at ?? before;
  const body = {
    ...(message !== undefined && { message_id: messageId(message) }),
    ...(before !== undefined && { before: true }),
    ...(options["files"] === true && { files: "then" as const }),
  };
  const params = { wid: connection.workspace.id, sid: session.id };
  try {
    const forked = await connection.request("POST /v1/workspaces/{wid}/sessions/{sid}/fork", {
      params,
      body,
    });
    if (isJson) {
      await out.json(forked, 2);
      return exitCodes.done;
    }
    const { id } = forked.session;
    await out.line(id);
    const { note = null, left_out = [] } = forked.files ?? {};
    if (note !== null) await err.line(withoutEscapes(note));
    for (const { path, reason } of left_out) await err.line(withoutEscapes(`not in it: ${path} (${reason})`));
    return exitCodes.done;
  } catch (error) {
    if (!isJson || !(error instanceof HearthError)) throw error;
    const { code, message: text, details } = error;
    await out.json({ error: { code, message: text, details } });
    return exitCodes.failed;
  }
}

function messageId(wanted: string | boolean): MessageId {
  if (isMessageId(wanted)) return wanted;
  throw new UsageError(`${wanted} is no message: \`hearth sessions show ID --json\` has their ids.`);
}

const isMessageId = (wanted: string | boolean): wanted is MessageId =>
  typeof wanted === "string" && /^msg_[A-Za-z0-9_-]{22,64}$/.test(wanted);
