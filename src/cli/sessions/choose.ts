import type { Connection } from "../../client/connect.ts";
import type { SessionId } from "../../protocol/ids.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { Isolation, Session } from "../../protocol/session.ts";
import { UsageError } from "../exit.ts";
import { findSession } from "./find.ts";

type SessionChoice = {
  session: string | undefined;
  goOn: boolean;
  agent: string | undefined;
  model: string | undefined;
  mode: PermissionMode | undefined;
  isolation: Isolation | undefined;
  container: string | undefined;
};

/** The session for a prompt: the one named, the last one used, or a new one. */
export async function chooseSession(
  connection: Connection,
  choice: SessionChoice,
): Promise<{ id: SessionId; title: string; isNew: boolean }> {
  const wid = connection.workspace.id;
  const { isolation } = choice;
  if (choice.session === undefined && !choice.goOn) {
    const body = {
      agent: choice.agent,
      model: choice.model,
      mode: choice.mode,
      isolation,
      container: choice.container,
    };
    const { session } = await connection.request("POST /v1/workspaces/{wid}/sessions", {
      params: { wid },
      body,
    });
    return { id: session.id, title: session.title, isNew: true };
  }
  const session =
    choice.session === undefined
      ? await lastUsed(connection, "to continue: leave out --continue")
      : await findSession(connection, choice.session);
  if (choice.container !== undefined && choice.container !== session.container)
    throw new UsageError("A session keeps the place where it was begun: --in is for a new one.");
  if (isolation !== undefined && isolation !== session.isolation) {
    const params = { wid, sid: session.id };
    await connection.request("PATCH /v1/workspaces/{wid}/sessions/{sid}", { params, body: { isolation } });
  }
  return { id: session.id, title: session.title, isNew: false };
}

/** The sessions that are searched for one that is not a sub-agent's. */
const LOOKED_THROUGH = 100;

/** The last used session of the directory that is nobody's sub-agent. Throws UsageError if there is none. */
export async function lastUsed(connection: Connection, why: string): Promise<Session> {
  const params = { wid: connection.workspace.id };
  const { sessions } = await connection.request("GET /v1/workspaces/{wid}/sessions", {
    params,
    query: { limit: LOOKED_THROUGH },
  });
  const session = sessions.find(({ subagent }) => subagent === undefined);
  if (session !== undefined) return session;
  throw new UsageError(`There is no session in ${connection.workspace.path} ${why}.`);
}
