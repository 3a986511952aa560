import type { UsageBy, UsageRow } from "../protocol/usage.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { formatTable, shortId, shownTitle } from "./output/format.ts";

/** `hearth usage`: tokens and cost of the runs that have ended. */
export async function usage({ options }: Parsed, context: Context): Promise<number> {
  const { out } = context;
  // The parser has checked it against the table.
  const by = (typeof options["by"] === "string" ? options["by"] : "day") as UsageBy;
  const found = await connectHere(context, (connection) => {
    const workspace_id = options["here"] === true ? connection.workspace.id : undefined;
    return connection.request("GET /v1/usage", {
      query: { by, ...(workspace_id === undefined ? {} : { workspace_id }) },
    });
  });
  if (options["json"] === true) await out.json(found, 2);
  else if (found.rows.length === 0) await out.line("Nothing has been used yet.");
  else {
    const head = [by.toUpperCase(), "RUNS", "INPUT", "CACHED", "OUTPUT", "COST"];
    const rows = found.rows.map((row) => [nameOf(by, row), ...figuresOf(row)]);
    await out.write(formatTable([head, ...rows, ["total", ...figuresOf(found.total)]]));
  }
  return exitCodes.done;
}

function nameOf(by: UsageBy, { key, label }: UsageRow): string {
  if (by === "model" && key === "") return "(unknown)";
  if (by !== "session") return key;
  return `${shortId(key)} ${label === null ? "(deleted)" : shownTitle(label)}`;
}

const figuresOf = ({ runs, usage: used, cost }: UsageRow): string[] => [
  String(runs),
  String(used.input_tokens),
  String(used.cache_read_tokens),
  String(used.output_tokens),
  `$${cost.toFixed(4)}`,
];
