import type { Connection } from "../../client/connect.ts";
import type { FoundSession } from "../../protocol/session-search.ts";
import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { formatElapsed, shortId, shownTitle } from "../output/format.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 200;

/** `hearth sessions search`: sessions of all directories in which a text was said. */
export async function searchSessions(
  { options, positionals }: Parsed,
  { out }: Context,
  connection: Connection,
): Promise<number> {
  const query = positionals.join(" ").trim();
  if (query === "") throw new UsageError("`hearth sessions search` needs a text.");
  const limit = options["limit"] === undefined ? LIMIT_DEFAULT : Number(options["limit"]);
  if (!(Number.isInteger(limit) && limit >= 1 && limit <= LIMIT_MAX))
    throw new UsageError(`--limit takes a whole number from 1 to ${LIMIT_MAX}.`);
  const { sessions } = await connection.request("GET /v1/sessions/search", { query: { query, limit } });
  if (options["json"] === true) await out.json(sessions, 2);
  else if (sessions.length === 0) await out.line(`No session has "${query}".`);
  else for (const found of sessions) await out.write(textOf(found));
  return exitCodes.done;
}

function textOf({ session, path, matches }: FoundSession): string {
  const age = formatElapsed(Date.now() - Date.parse(session.updated_at));
  return [
    `${shownTitle(session.title)} · ${age} ago · ${path}`,
    ...matches.map(({ role, snippet }) => `  ${role === "user" ? "›" : "●"} ${snippet}`),
    `  hearth attach ${shortId(session.id)}`,
    "",
    "",
  ].join("\n");
}
