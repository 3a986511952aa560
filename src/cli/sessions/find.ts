import type { Connection } from "../../client/connect.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Session } from "../../protocol/session.ts";
import { UsageError } from "../exit.ts";

/** The number of sessions searched for an id prefix, and again for archived ones. */
const LOOKED_THROUGH = 500;
const WHOLE_ID = /^ses_[A-Za-z0-9_-]{22,64}$/;

/** The session with this id or id prefix. Throws UsageError if none or several match. */
export async function findSession(connection: Connection, wanted: string): Promise<Session> {
  const { id, path } = connection.workspace;
  const session = await sessionIn(connection, id, wanted);
  if (session !== undefined) return session;
  throw new UsageError(
    `There is no session ${wanted} in ${path}: \`hearth sessions list --all\` shows what there is.`,
  );
}

/** Like `findSession` in any workspace, but undefined if none matches. */
export async function sessionIn(
  connection: Connection,
  wid: WorkspaceId,
  wanted: string,
): Promise<Session | undefined> {
  if (WHOLE_ID.test(wanted)) return sessionById(connection, wid, wanted as SessionId);
  const prefix = wanted.startsWith("ses_") ? wanted : `ses_${wanted}`;
  for (const archived of ["false", "true"] as const) {
    const { sessions } = await connection.request("GET /v1/workspaces/{wid}/sessions", {
      params: { wid },
      query: { limit: LOOKED_THROUGH, archived },
    });
    const [first, second] = sessions.filter(({ id }) => id.startsWith(prefix));
    if (second !== undefined)
      throw new UsageError(`Several sessions begin with ${wanted}: give more of the id.`);
    if (first !== undefined) return first;
  }
  return undefined;
}

async function sessionById(
  connection: Connection,
  wid: WorkspaceId,
  sid: SessionId,
): Promise<Session | undefined> {
  try {
    const params = { wid, sid };
    return (await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}", { params })).session;
  } catch (error) {
    if (error instanceof HearthError && error.code === "session_not_found") return undefined;
    throw error;
  }
}
