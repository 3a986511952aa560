import type { McpServer } from "../protocol/mcp.ts";
import { plural } from "../protocol/plural.ts";
import { connectHere } from "./connect-here.ts";
import type { Context } from "./context.ts";
import { type ExitCode, exitCodes, UsageError } from "./exit.ts";
import type { Parsed } from "./line/spec.ts";
import { formatTable } from "./output/format.ts";
import { withoutEscapes } from "./output/printable.ts";

/**
 * `hearth mcp list|add|remove|test|login|logout`: the servers whose tools hearth's agent can use here. `hearth mcp serve`
 * is the other side: hearth as a server.
 */
export async function mcp(parsed: Parsed, context: Context): Promise<ExitCode> {
  switch (parsed.command.path[1]) {
    case "add":
      return add(parsed, context);
    case "remove":
      return remove(parsed, context);
    case "test":
      return test(parsed, context);
    case "serve":
      return (await import("./mcp-serve/serve.ts")).serveMcp(parsed, context);
    case "login":
    case "logout":
      return (await import("./mcp-login.ts")).mcpLogin(parsed, context);
    default:
      return list(parsed, context);
  }
}

const shown = (text: string): string => withoutEscapes(text).replaceAll("\n", " ");

const rowOf = ({ name, state, tools, target, reason, fix }: McpServer): string[] => [
  shown(name),
  state.replace("_", " "),
  state === "ready" ? plural(tools.length, "tool") : "",
  [shown(target), reason === null ? "" : `· ${shown(reason)}`, fix === null ? "" : `→ ${fix}`]
    .filter((part) => part !== "")
    .join(" "),
];

async function list({ options }: Parsed, context: Context): Promise<ExitCode> {
  const { out } = context;
  const servers = await connectHere(context, async ({ request, workspace }) => {
    const found = await request("GET /v1/workspaces/{wid}/mcp", { params: { wid: workspace.id } });
    return found.servers;
  });
  if (options["json"] === true) await out.json(servers, 2);
  else if (servers.length === 0)
    await out.line("No MCP server is configured here; `hearth mcp add` adds one.");
  else await out.write(formatTable([["SERVER", "STATE", "OFFERS", ""], ...servers.map(rowOf)]));
  return exitCodes.done;
}

async function test({ options, positionals }: Parsed, context: Context): Promise<ExitCode> {
  const { out } = context;
  const servers = await connectHere(context, async ({ request, workspace }) => {
    const params = { wid: workspace.id };
    const all = (await request("GET /v1/workspaces/{wid}/mcp", { params })).servers;
    const names = positionals.length > 0 ? positionals : all.map(({ name }) => name);
    const tested: McpServer[] = [];
    for (const name of names) {
      const { server } = await request("POST /v1/workspaces/{wid}/mcp/{name}/test", {
        params: { ...params, name },
      });
      tested.push(server);
    }
    return tested;
  });
  if (options["json"] === true) await out.json(servers, 2);
  else {
    await out.write(formatTable([["SERVER", "STATE", "OFFERS", ""], ...servers.map(rowOf)]));
    for (const { name, tools } of servers)
      if (tools.length > 0) await out.line(`${shown(name)}: ${tools.map(shown).join(", ")}`);
  }
  const isWell = servers.every(({ state }) => state === "ready" || state === "disabled");
  return isWell ? exitCodes.done : exitCodes.unusable;
}

/** `A=b,C=d` as an object. */
function environmentOf(text: string | true | undefined): Record<string, string> | undefined {
  if (typeof text !== "string") return undefined;
  return Object.fromEntries(
    text.split(",").map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1) throw new UsageError(`--env takes NAME=VALUE, and more after a comma; "${pair}" is not.`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

async function fileOf({ options }: Parsed, { paths, cwd }: Context): Promise<string> {
  if (options["project"] !== true) return paths.configFile;
  const { projectConfigFile } = await import("../server/config/load.ts");
  return projectConfigFile(cwd());
}

async function add(parsed: Parsed, context: Context): Promise<ExitCode> {
  const [name = "", ...words] = parsed.positionals;
  if (!/^[\w.-]{1,64}$/.test(name))
    throw new UsageError("A server's name has letters, digits, dots, - and _ only.");
  const [first] = words;
  if (first === undefined)
    throw new UsageError("Say the server's address or, after --, the command that starts it.");
  const env = environmentOf(parsed.options["env"]);
  const isUrl = words.length === 1 && /^https?:\/\//.test(first);
  if (isUrl && env !== undefined) throw new UsageError("--env is for a server that is started by a command.");
  const server = isUrl ? { url: first } : { command: words, ...(env === undefined ? {} : { env }) };
  const file = await fileOf(parsed, context);
  const { editConfig } = await import("../server/config/edit.ts");
  await editConfig(file, ["mcp_servers", name], server);
  await context.out.line(`Added ${name} to ${file}; \`hearth mcp test ${name}\` tries it.`);
  return exitCodes.done;
}

async function remove(parsed: Parsed, context: Context): Promise<ExitCode> {
  const [name = ""] = parsed.positionals;
  const file = await fileOf(parsed, context);
  const { loadConfig } = await import("../server/config/load.ts");
  const { config, offered } = loadConfig({ paths: context.paths, root: context.cwd() });
  const known = parsed.options["project"] === true ? offered.mcp_servers : config.mcp_servers;
  if (known?.[name] === undefined) throw new UsageError(`${file} has no MCP server ${name}.`);
  const { editConfig } = await import("../server/config/edit.ts");
  await editConfig(file, ["mcp_servers", name], undefined);
  await context.out.line(`Removed ${name} from ${file}.`);
  return exitCodes.done;
}
