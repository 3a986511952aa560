import type { Connection } from "../../client/connect.ts";
import type { Session } from "../../protocol/session.ts";
import { connectHere } from "../connect-here.ts";
import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { formatElapsed, formatTable, shortId, shownTitle } from "../output/format.ts";
import { findSession } from "./find.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 500;

/** `hearth sessions …`. */
export async function sessions(parsed: Parsed, context: Context): Promise<number> {
  return connectHere(context, async (connection) => {
    switch (parsed.command.path[1]) {
      case "list":
        return list(parsed, context, connection);
      case "show":
        return (await import("./show.ts")).showSession(parsed, context, connection);
      case "fork":
        return (await import("./fork.ts")).forkSession(parsed, context, connection);
      case "search":
        return (await import("./search.ts")).searchSessions(parsed, context, connection);
      case "export":
        return (await import("../transfer/export.ts")).exportSession(parsed, context, connection);
      case "import":
        return (await import("../transfer/import.ts")).importSession(parsed, context, connection);
      default:
        return remove(parsed, context, connection);
    }
  });
}

async function list({ options }: Parsed, { out }: Context, connection: Connection): Promise<number> {
  const limit = options["limit"] === undefined ? LIMIT_DEFAULT : Number(options["limit"]);
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX)) {
    throw new UsageError(`--limit takes a whole number from 1 to ${LIMIT_MAX}.`);
  }
  const wid = connection.workspace.id;
  const query = typeof options["query"] === "string" ? { query: options["query"] } : {};
  const page = (archived: "true" | "false") =>
    connection.request("GET /v1/workspaces/{wid}/sessions", {
      params: { wid },
      query: { limit, archived, ...query },
    });
  const { sessions: found } = await page("false");
  if (options["all"] === true) {
    found.push(...(await page("true")).sessions);
    found.sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1)).splice(limit);
  }
  if (options["json"] === true) await out.json(found, 2);
  else if (found.length === 0) await out.line(`There are no sessions in ${connection.workspace.path}.`);
  else
    await out.write(
      formatTable([["ID", "STATE", "AGE", "AGENT", "TITLE"], ...belowParents(found).map(rowOf)]),
    );
  return exitCodes.done;
}

/** Sub-agents follow the session that started them. */
function belowParents(sessions: readonly Session[]): Session[] {
  const ids = new Set(sessions.map(({ id }) => id));
  const isChild = ({ subagent, parent_id }: Session) =>
    subagent !== undefined && parent_id !== null && ids.has(parent_id);
  return sessions
    .filter((session) => !isChild(session))
    .flatMap((parent) => [
      parent,
      ...sessions.filter((session) => isChild(session) && session.parent_id === parent.id),
    ]);
}

function rowOf({ id, state, queued, archived, updated_at, agent, title, subagent }: Session): string[] {
  const waiting = queued > 0 ? ` +${queued}` : "";
  const age = formatElapsed(Date.now() - Date.parse(updated_at));
  return [
    shortId(id),
    archived ? "archived" : `${state}${waiting}`,
    age,
    agent,
    subagent === undefined ? shownTitle(title) : `  ${subagent.name ?? subagent.kind}: ${shownTitle(title)}`,
  ];
}

async function remove(
  { options, positionals }: Parsed,
  { out }: Context,
  connection: Connection,
): Promise<number> {
  const session = await findSession(connection, positionals[0] ?? "");
  const params = { wid: connection.workspace.id, sid: session.id };
  const query = options["force"] === true ? { force: "true" as const } : {};
  await connection.request("DELETE /v1/workspaces/{wid}/sessions/{sid}", { params, query });
  if (options["json"] === true) await out.json({ deleted: session.id });
  else
    await out.line(`Deleted ${session.id}${session.title === "" ? "" : ` (${shownTitle(session.title)})`}.`);
  return exitCodes.done;
}
