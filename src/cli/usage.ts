import { newClientId } from "../client/client.ts";
import { connect } from "../client/connect.ts";
import type { UsageBy, UsageRow } from "../protocol/usage.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { formatTable } from "./format.ts";
import { withoutEscapes } from "./printable.ts";
import type { Parsed } from "./table.ts";

const NEVER = new AbortController().signal;
/** Enough of an id to name it among thousands. */
const ID_CHARS = 12;

/** `hearth usage`: tokens and cost of the runs that have ended. */
export async function usage({ options }: Parsed, context: Context): Promise<number> {
  const { env, paths, launcher, out } = context;
  // The parser has compared it with the words of the table.
  const by = (typeof options["by"] === "string" ? options["by"] : "day") as UsageBy;
  const connection = await connect(
    { env, paths, launcher, clientId: newClientId("cli"), cwd: context.cwd() },
    NEVER,
  );
  try {
    const workspace_id = options["here"] === true ? connection.workspace.id : undefined;
    const query = { by, ...(workspace_id === undefined ? {} : { workspace_id }) };
    const found = await connection.request("GET /v1/usage", { query });
    if (options["json"] === true) await out.line(JSON.stringify(found, null, 2));
    else if (found.rows.length === 0) await out.line("Nothing has been used yet.");
    else {
      const head = [by.toUpperCase(), "RUNS", "INPUT", "CACHED", "OUTPUT", "COST"];
      const rows = found.rows.map((row) => [nameOf(by, row), ...figuresOf(row)]);
      await out.write(formatTable([head, ...rows, ["total", ...figuresOf(found.total)]]));
    }
    return exitCodes.done;
  } finally {
    connection.close();
  }
}

function nameOf(by: UsageBy, { key, label }: UsageRow): string {
  if (by === "model") return key === "" ? "(not told)" : withoutEscapes(key);
  if (by !== "session") return withoutEscapes(key);
  const title =
    label === null ? "(deleted)" : withoutEscapes(label).replaceAll(/\s+/g, " ").trim() || "(no title)";
  return `${key.slice(0, ID_CHARS)} ${title}`;
}

const figuresOf = ({ runs, usage: used, cost }: UsageRow): string[] => [
  String(runs),
  String(used.input_tokens),
  String(used.cache_read_tokens),
  String(used.output_tokens),
  `$${cost.toFixed(4)}`,
];
