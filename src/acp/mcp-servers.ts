import type { Connection } from "../client/connect.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { SessionMcpServer } from "../protocol/mcp.ts";

/** An editor's MCP server, in the words of either version of the protocol. */
type Offered = {
  name?: unknown;
  type?: unknown;
  command?: string;
  args?: string[];
  url?: string;
  env?: Pair[];
  headers?: Pair[];
};
type Pair = { name: string; value: string };

const valuesOf = (pairs: readonly Pair[] = []) =>
  Object.fromEntries(pairs.map(({ name, value }) => [name, value]));

/** The servers that an editor sends with a session. Throws invalid_request for one of a kind that was not offered. */
export function serversOf(offered: readonly object[] | null | undefined): SessionMcpServer[] {
  return (offered ?? []).map((server: Offered) => {
    const name = String(server.name ?? "");
    const { type = "stdio", command, args = [], url, env, headers } = server;
    if (type === "stdio" && command !== undefined)
      return { transport: "stdio", name, command, args, env: valuesOf(env) };
    if (type === "http" && url !== undefined)
      return { transport: "http", name, url, headers: valuesOf(headers) };
    throw new HearthError(
      "invalid_request",
      `mcpServers: hearth starts servers on stdio and uses those at an address (http); "${name}" is of type "${String(type)}".`,
    );
  });
}

type Reach = { connection: Connection; params: { wid: WorkspaceId; sid: SessionId } };

/**
 * Gives a session its servers. The daemon keeps them in memory only, so they are given again to the next one: the editor
 * does not notice that there is another.
 */
export function createServerGiver(reach: () => Reach, servers: readonly SessionMcpServer[]) {
  const send = async (list: readonly SessionMcpServer[]): Promise<void> => {
    const { connection, params } = reach();
    const body = { servers: [...list] };
    await connection.request("PUT /v1/workspaces/{wid}/sessions/{sid}/mcp", { params, body });
  };
  return {
    /** Also an empty list: it takes back what an editor gave when it opened the session before. */
    give: () => (servers.length > 0 ? send(servers) : send([]).catch(() => {})),
    /** Before each prompt, since nobody tells that the daemon is another one. The same servers again change nothing. */
    async giveAgain(): Promise<void> {
      if (servers.length > 0) await send(servers);
    },
    /** The editor has closed the session. A daemon that is gone has none. */
    async takeBack(): Promise<void> {
      if (servers.length > 0) await send([]).catch(() => {});
    },
  };
}
