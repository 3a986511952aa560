import { newClientId } from "../client/client.ts";
import { connect } from "../client/connect.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { formatTable } from "./format.ts";
import type { Parsed } from "./table.ts";

const NEVER = new AbortController().signal;

/** `hearth agents list`: each agent, whether it can be used, and what mends it where not. */
export async function agents({ options }: Parsed, context: Context): Promise<number> {
  const { env, paths, launcher, out } = context;
  const connection = await connect(
    { env, paths, launcher, clientId: newClientId("cli"), cwd: context.cwd() },
    NEVER,
  );
  try {
    const params = { wid: connection.workspace.id };
    const { agents: found } = await connection.request("GET /v1/workspaces/{wid}/agent", { params });
    if (options["json"] === true) {
      await out.line(JSON.stringify(found, null, 2));
      return exitCodes.done;
    }
    const rows = found.map(({ name, backend, status, model, reason, fix }) => [
      name,
      backend,
      status.replaceAll("_", " "),
      model ?? "",
      [reason, fix === null ? null : `→ ${fix}`].filter((text) => text !== null).join(" "),
    ]);
    await out.write(formatTable([["AGENT", "BACKEND", "STATUS", "MODEL", ""], ...rows]));
    return exitCodes.done;
  } finally {
    connection.close();
  }
}
