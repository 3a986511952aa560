import type { Connection } from "../client/connect.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId } from "../protocol/ids.ts";
import type { Session } from "../protocol/session.ts";
import { UsageError } from "./exit.ts";

/** As many as are looked through for the beginning of an id. */
const LOOKED_THROUGH = 500;
const WHOLE_ID = /^ses_[A-Za-z0-9_-]{22,64}$/;

/** The session of that id, or of that beginning of an id. Throws UsageError where none or several fit. */
export async function findSession(connection: Connection, wanted: string): Promise<Session> {
  const wid = connection.workspace.id;
  const none = new UsageError(
    `There is no session ${wanted} in ${connection.workspace.path}: \`hearth sessions list\` shows what there is.`,
  );
  if (WHOLE_ID.test(wanted)) {
    try {
      const params = { wid, sid: wanted as SessionId };
      return (await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}", { params })).session;
    } catch (error) {
      if (error instanceof HearthError && error.code === "session_not_found") throw none;
      throw error;
    }
  }
  const query = { limit: LOOKED_THROUGH };
  const { sessions } = await connection.request("GET /v1/workspaces/{wid}/sessions", {
    params: { wid },
    query,
  });
  const prefix = wanted.startsWith("ses_") ? wanted : `ses_${wanted}`;
  const [first, second] = sessions.filter(({ id }) => id.startsWith(prefix));
  if (first === undefined) throw none;
  if (second !== undefined)
    throw new UsageError(`Several sessions begin with ${wanted}: give more of the id.`);
  return first;
}
