import { ignoreError, inBackground } from "../../async/in-background.ts";
import { newClientId } from "../../client/client-id.ts";
import { permissionModes } from "../../protocol/choices.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import { VERSION } from "../../protocol/version.ts";
import type { Context } from "../context.ts";
import { type ExitCode, exitCodes, UsageError } from "../exit.ts";
import type { Parsed } from "../line/spec.ts";
import { createPlaces } from "./places.ts";
import { addSessionTools } from "./session-tools.ts";
import { addTaskTools } from "./task-tools.ts";
import type { Desk } from "./tool.ts";

const instructions = `hearth runs coding agents beside you. Delegate with task_start: each agent works in a git worktree of its own, so nothing changes here until task_apply. Give several agents the same prompt to compare them. Wait with task_status and wait_seconds rather than by asking again and again. When a task is waiting, its questions need an answer: what asks for permission is the person's to allow.`;

/** `hearth mcp serve`: tasks and sessions as MCP tools on stdio, until stdin ends. */
export async function serveMcp({ options }: Parsed, context: Context): Promise<ExitCode> {
  const widest = permissionModes.find((mode): mode is PermissionMode => mode === options["permission-mode"]);
  if (process.stdin.isTTY)
    throw new UsageError(
      "`hearth mcp serve` speaks MCP on stdin and stdout: put it into an MCP client's configuration.",
    );
  const sdk = await import("@modelcontextprotocol/server");
  const { serveStdio, StdioServerTransport } = await import("@modelcontextprotocol/server/stdio");
  const closing = new AbortController();
  const over = Promise.withResolvers<void>();
  const close = () => {
    closing.abort();
    over.resolve();
  };
  // Before the transport listens: a call that ends with the client is not one that it canceled.
  for (const event of ["end", "close", "error"]) process.stdin.once(event, close);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, close);
  process.stdout.once("error", close);
  const places = createPlaces(context, newClientId("mcp"), closing.signal);
  const handle = serveStdio(
    ({ era }) => {
      const server = new sdk.McpServer(
        { name: "hearth", title: "hearth", version: VERSION },
        { instructions, inputRequired: { legacyShim: false } },
      );
      const mayAgentAllow = options["agent-may-allow"] === true;
      const desk: Desk = { sdk, server, era, places, widest, mayAgentAllow, closing: closing.signal };
      addTaskTools(desk);
      addSessionTools(desk);
      return server;
    },
    {
      transport: new StdioServerTransport(process.stdin, process.stdout),
      onerror: ({ name, message }) => {
        // What a schema finds wrong is a page of JSON.
        const text =
          name === "ZodError" || message.startsWith("[")
            ? "A line on stdin is not a JSON-RPC message."
            : message;
        inBackground(() => context.err.line(`hearth: ${text.replaceAll("\n", " ")}`), ignoreError);
      },
    },
  );
  await over.promise;
  await handle.close();
  return exitCodes.done;
}
