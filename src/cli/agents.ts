import type { Connection } from "../client/connect.ts";
import type { Agent } from "../protocol/agent.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { formatTable } from "./output/format.ts";

/** The most names shown; `--json` has all. */
const NAMES_MAX = 8;

/** `hearth agents list|probe|login|search|add|remove|update`: each agent, whether it can be used, and the fix if not. */
export async function agents(parsed: Parsed, context: Context): Promise<number> {
  const { out } = context;
  if (parsed.command.path[1] === "login")
    return (await import("./agent-login.ts")).agentLogin(parsed, context);
  if (["search", "add", "remove", "update"].includes(parsed.command.path[1] ?? ""))
    return (await import("./agent-registry/commands.ts")).agentRegistry(parsed, context);
  const isProbe = parsed.command.path[1] === "probe";
  const found = await connectHere(context, (connection) =>
    isProbe ? probe(connection, parsed.positionals[0]) : list(connection),
  );
  if (parsed.options["json"] === true) await out.json(found, 2);
  else if (found.length === 0)
    await out.line("No other agent is installed; `hearth agents list` says how to get one.");
  else {
    const { readAdded } = await import("./agent-registry/commands.ts");
    const added = await readAdded(context);
    const rows = found.map((agent) => rowOf(agent, added[agent.name]?.version));
    await out.write(formatTable([["AGENT", "BACKEND", "STATUS", "VERSION", "MODEL", ""], ...rows]));
    if (isProbe) await out.write(found.map(offersOf).join(""));
  }
  return isProbe ? exitCodeOfProbe(found) : exitCodes.done;
}

async function list(connection: Connection, probed?: string): Promise<Agent[]> {
  const params = { wid: connection.workspace.id };
  const query = probed === undefined ? {} : { probe: probed };
  return (await connection.request("GET /v1/workspaces/{wid}/agent", { params, query })).agents;
}

/** One by one: two agents starting at once slow each other down on a small machine. */
async function probe(connection: Connection, name: string | undefined): Promise<Agent[]> {
  const isAsked = ({ backend, status }: Agent) =>
    backend !== "native" && status !== "not_installed" && status !== "disabled";
  const names =
    name === undefined ? (await list(connection)).filter(isAsked).map((agent) => agent.name) : [name];
  const found: Agent[] = [];
  for (const asked of names) {
    found.push(...(await list(connection, asked)).filter((agent) => agent.name === asked));
  }
  return found;
}

/** What an agent offers, as a paragraph with the first names of each kind; "" if it offers nothing. */
export function offersOf({ name, models, modes, commands }: Agent): string {
  const row = (kind: string, names: readonly string[]): string[] => {
    const more = names.length > NAMES_MAX ? ` and ${names.length - NAMES_MAX} more` : "";
    const shown = names.slice(0, NAMES_MAX).join(", ");
    return names.length === 0 ? [] : [`  ${kind.padEnd(8)}  ${shown}${more}\n`];
  };
  const rows = [
    ...row(
      "models",
      models.map(({ id }) => id),
    ),
    ...row(
      "modes",
      modes.map(({ id }) => id),
    ),
    ...row(
      "commands",
      commands.map((command) => `/${command.name}`),
    ),
  ];
  return rows.length === 0 ? "" : `\n${name}\n${rows.join("")}`;
}

const exitCodeOfProbe = (found: readonly Agent[]): ExitCode =>
  found.every(({ status }) => status === "ready") ? exitCodes.done : exitCodes.unusable;

/** `added`: the version that was added from a registry. */
const rowOf = (
  { name, backend, status, version, model, reason, fix, notice }: Agent,
  added: string | undefined,
): string[] => [
  name,
  backend,
  status.replaceAll("_", " "),
  version ?? added ?? "",
  model ?? "",
  [added === undefined ? null : "from a registry", reason, fix === null ? null : `→ ${fix}`, notice]
    .filter((text) => text != null)
    .join(" "),
];
