import { spawn } from "node:child_process";
import { sleep } from "../async/wait.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { withoutEscapes } from "./output/printable.ts";

const POLL_MS = 500;

/** `hearth mcp login|logout NAME`: a login in the browser, for a server that asks for one. */
export async function mcpLogin(
  { command, options, positionals }: Parsed,
  context: Context,
): Promise<ExitCode> {
  const { out } = context;
  const name = positionals[0] ?? "";
  return connectHere(context, async ({ request, workspace }) => {
    const params = { wid: workspace.id, name };
    if (command.path[1] === "logout") {
      const { removed } = await request("POST /v1/workspaces/{wid}/mcp/{name}/logout", { params });
      await out.line(removed ? `The login at ${name} is forgotten.` : `There is no login at ${name}.`);
      return exitCodes.done;
    }
    const body = { device: options["device"] === true };
    let { login } = await request("POST /v1/workspaces/{wid}/mcp/{name}/login", { params, body });
    const code = login.user_code === null ? "" : `, and type ${withoutEscapes(login.user_code)} there`;
    await out.line(`Log in at ${withoutEscapes(login.url)}${code}`);
    if (login.user_code === null && process.stdout.isTTY && options["no-browser"] !== true)
      openBrowser(login.url);
    while (login.state === "waiting") {
      await sleep(POLL_MS);
      ({ login } = await request("GET /v1/workspaces/{wid}/mcp/{name}/login", { params }));
    }
    if (login.state === "failed") {
      await out.line(`The login at ${name} failed: ${withoutEscapes(login.reason ?? "")}.`);
      return exitCodes.failed;
    }
    const { server } = await request("POST /v1/workspaces/{wid}/mcp/{name}/test", { params });
    await out.line(`Logged in: ${name} is ${server.state.replace("_", " ")}.`);
    return server.state === "ready" ? exitCodes.done : exitCodes.unusable;
  });
}

/** Where there is one; the address was printed anyway. */
function openBrowser(url: string) {
  const program = process.platform === "darwin" ? "open" : "xdg-open";
  const child = spawn(program, [url], { stdio: "ignore", detached: true });
  child.on("error", () => {}); // none is installed
  child.unref();
}
