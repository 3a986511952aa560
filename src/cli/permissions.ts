import type { Connection } from "../client/connect.ts";
import type { Grant, Permission } from "../protocol/permission.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { exitCodes, UsageError } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { formatElapsed, formatTable, shortId } from "./output/format.ts";
import { withoutEscapes } from "./output/printable.ts";

/** `hearth permissions list|log|revoke`: what is allowed here for a session or always, and what was decided. */
export async function permissions(parsed: Parsed, context: Context): Promise<number> {
  const action = { list, log }[parsed.command.path[1] ?? ""] ?? revoke;
  return connectHere(context, (connection) => action(parsed, context, connection));
}

async function grantsOf({ request, workspace }: Connection): Promise<Grant[]> {
  const { grants } = await request("GET /v1/workspaces/{wid}/grants", { params: { wid: workspace.id } });
  return grants;
}

async function list({ options }: Parsed, { out }: Context, connection: Connection): Promise<number> {
  const grants = await grantsOf(connection);
  if (options["json"] === true) await out.json(grants, 2);
  else if (grants.length === 0) await out.line(`Nothing is always allowed in ${connection.workspace.path}.`);
  else await out.write(formatTable([["ID", "FOR", "AGE", "RULE"], ...grants.map(rowOf)]));
  return exitCodes.done;
}

async function log({ options }: Parsed, { out }: Context, connection: Connection): Promise<number> {
  const limit = typeof options["limit"] === "string" ? options["limit"] : undefined;
  const { permissions } = await connection.request("GET /v1/workspaces/{wid}/permission-log", {
    params: { wid: connection.workspace.id },
    query: { limit },
  });
  if (options["json"] === true) await out.json(permissions, 2);
  else if (permissions.length === 0)
    await out.line(`Nothing was decided yet in ${connection.workspace.path}.`);
  else {
    const head = ["AGE", "SESSION", "DECISION", "BY", "WHAT"];
    await out.write(formatTable([head, ...permissions.map(logRowOf)]));
  }
  return exitCodes.done;
}

function logRowOf({
  session_id,
  asked_at,
  state,
  decision,
  answered_by,
  options,
  title,
  detail,
}: Permission) {
  const what = detail.type === "command" ? (detail.edited ?? detail.command) : title;
  const by = state !== "answered" ? "" : (answered_by ?? (options.length === 0 ? "rules" : "unknown"));
  return [
    formatElapsed(Date.now() - Date.parse(asked_at)),
    shortId(session_id),
    decision ?? state,
    withoutEscapes(by),
    withoutEscapes(what.replace(/\s+/g, " ")),
  ];
}

const rowOf = ({ id, session_id, granted_at, rule, scripts }: Grant): string[] => [
  String(id),
  session_id === null ? "always" : shortId(session_id),
  formatElapsed(Date.now() - Date.parse(granted_at)),
  withoutEscapes(rule + scriptsText(scripts)),
];

/** The scripts that it was given for; what has changed asks again. */
function scriptsText(scripts: Grant["scripts"]): string {
  if (scripts.length === 0) return "";
  const said = scripts.map(({ name, changed }) => (changed ? `${name} (changed: asks again)` : name));
  return `  runs ${said.join(", ")}`;
}

async function revoke(
  { options, positionals }: Parsed,
  { out }: Context,
  connection: Connection,
): Promise<number> {
  const [named] = positionals;
  const isAll = options["all"] === true;
  if ((named === undefined) !== isAll)
    throw new UsageError("Name a grant by its number or its rule, or say --all.");
  const grants = await grantsOf(connection);
  const chosen = isAll ? grants : grants.filter(({ id, rule }) => String(id) === named || rule === named);
  if (chosen.length === 0 && !isAll)
    throw new UsageError(`Nothing here is allowed as ${named}; \`hearth permissions list\` shows what is.`);
  const params = { wid: connection.workspace.id };
  const ids = chosen.map(({ id }) => id);
  const { grants: revoked } =
    ids.length === 0
      ? { grants: [] }
      : await connection.request("POST /v1/workspaces/{wid}/grants/revoke", { params, body: { ids } });
  if (options["json"] === true) await out.json({ revoked });
  else if (revoked.length === 0) await out.line("Nothing to revoke.");
  else for (const { rule } of revoked) await out.line(`Revoked ${rule}: hearth asks again.`);
  return exitCodes.done;
}
