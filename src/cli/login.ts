import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { exitCodes, UsageError } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { readSecret } from "./read-secret.ts";

/** `hearth login|logout PROVIDER`: keeps a provider's key, or forgets it. */
export async function login({ command, options, positionals }: Parsed, context: Context): Promise<number> {
  const { out } = context;
  const provider = positionals[0] ?? "";
  const isLogout = command.path[0] === "logout";
  const key = isLogout ? "" : await readSecret(`Key for ${provider} (not shown): `);
  if (!isLogout && key === "") throw new UsageError("No key was given; nothing has changed.");
  const found = await connectHere<{ text: string }>(context, ({ request, workspace }) => {
    const params = { wid: workspace.id };
    return isLogout
      ? request("POST /v1/workspaces/{wid}/logout", { params, body: { provider } })
      : request("POST /v1/workspaces/{wid}/login", { params, body: { provider, key } });
  });
  if (options["json"] === true) await out.json(found);
  else await out.line(found.text);
  return exitCodes.done;
}
