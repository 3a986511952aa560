import type { SessionMcpServer } from "../../../protocol/mcp.ts";
import { at, type Wire } from "../wire.ts";

/** The session's MCP servers in the protocol's words, and the names of those that this agent cannot use. */
export function mcpServersFor(
  servers: readonly SessionMcpServer[],
  capabilities: Wire,
): { sent: Wire[]; left: readonly string[] } {
  const takesHttp = at(capabilities, "mcpCapabilities", "http") === true;
  const usable = servers.filter(({ transport }) => transport === "stdio" || takesHttp);
  return {
    sent: usable.map(onWire),
    left: servers.filter((server) => !usable.includes(server)).map(({ name }) => name),
  };
}

const pairs = (values: Readonly<Record<string, string>>) =>
  Object.entries(values).map(([name, value]) => ({ name, value }));

function onWire(server: SessionMcpServer): Wire {
  const { name } = server;
  if (server.transport === "http")
    return { type: "http", name, url: server.url, headers: pairs(server.headers) };
  return { name, command: server.command, args: server.args, env: pairs(server.env) };
}
