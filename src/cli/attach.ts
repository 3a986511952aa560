import { statSync } from "node:fs";
import { homedir } from "node:os";
import { resolve } from "node:path";
import { newClientId } from "../client/client.ts";
import { connect } from "../client/connect.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId } from "../protocol/ids.ts";
import type { Context } from "./context.ts";
import { UsageError } from "./exit.ts";
import { openTerminal } from "./open.ts";
import type { Parsed } from "./table.ts";

const NEVER = new AbortController().signal;

/** `hearth attach [path|session]`: the terminal on another directory, or on a session wherever it is. */
export async function attach({ positionals }: Parsed, context: Context): Promise<number> {
  const [target = "."] = positionals;
  if (/^ses_[A-Za-z0-9_-]+$/.test(target)) {
    return openTerminal(context, { cwd: await directoryOf(target, context), session: target });
  }
  const home = context.env["HOME"] || homedir();
  const path = resolve(context.cwd(), target.replace(/^~(?=\/|$)/, home));
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`${target} is neither a directory nor a session's id (ses_…).`);
  }
  return openTerminal(context, { cwd: path });
}

/** The directory of the workspace that has the session, this one first. */
async function directoryOf(session: string, context: Context): Promise<string> {
  const { env, paths, launcher } = context;
  const connection = await connect(
    { env, paths, launcher, clientId: newClientId("cli"), cwd: context.cwd() },
    NEVER,
  );
  try {
    const { workspaces } = await connection.request("GET /v1/workspaces");
    const here = connection.workspace;
    for (const { id, path } of [here, ...workspaces.filter(({ id: other }) => other !== here.id)]) {
      if (await hasSession(id)) return path;
    }
  } finally {
    connection.close();
  }
  throw new UsageError(
    `There is no session ${session}: \`hearth sessions list\` shows those of a directory.`,
  );

  async function hasSession(wid: typeof connection.workspace.id): Promise<boolean> {
    try {
      const { sessions } = await connection.request("GET /v1/workspaces/{wid}/sessions", {
        params: { wid },
        query: { limit: 500 },
      });
      if (sessions.some(({ id }) => id.startsWith(session))) return true;
      await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}", {
        params: { wid, sid: session as SessionId },
      });
      return true;
    } catch (error) {
      if (error instanceof HearthError && error.code === "session_not_found") return false;
      throw error;
    }
  }
}
