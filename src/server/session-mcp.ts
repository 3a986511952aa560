import { withoutHearth } from "../agent/children/environment.ts";
import type { McpServerSpec } from "../agent/mcp/spec.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { SessionMcpServer } from "../protocol/mcp.ts";

/** As those of the configuration that say nothing else. */
const LIMITS = { timeoutMs: 120_000, startTimeoutMs: 60_000 };

const PREFIX = "of-";

type SessionMcpDeps = {
  /** The session that started this one as a sub-agent. */
  parentOf(sid: SessionId): SessionId | undefined;
  /** Where a session works. */
  rootOf(wid: WorkspaceId, sid: SessionId): string;
  envOf(wid: WorkspaceId): Readonly<Record<string, string>>;
};

/** The source of such servers, for messages. */
export const EDITOR = "the editor";

/** A session's own servers, the id under which they run, and the names of those that others keep from being used. */
export type GivenServers = { id: string; specs: McpServerSpec[]; hidden: readonly string[] };

/**
 * MCP servers that an editor has given to a session. They are in memory alone: their variables and headers are secrets,
 * and the editor gives them again when it opens the session or finds another daemon (decision 037).
 */
export function createSessionMcp({ parentOf, rootOf, envOf }: SessionMcpDeps) {
  const given = new Map<SessionId, { wid: WorkspaceId; servers: readonly SessionMcpServer[] }>();
  const idOf = (sid: SessionId): string => `${PREFIX}${sid}`;

  /** Sub-agents use the servers of the session that they work for. */
  function ownerOf(sid: SessionId): SessionId | undefined {
    for (let at: SessionId | undefined = sid; at !== undefined; at = parentOf(at))
      if (given.has(at)) return at;
    return undefined;
  }

  return {
    set(wid: WorkspaceId, sid: SessionId, servers: readonly SessionMcpServer[]) {
      if (servers.length === 0) given.delete(sid);
      else given.set(sid, { wid, servers });
    },
    /** For agents that start servers themselves. */
    of(sid: SessionId): readonly SessionMcpServer[] {
      const owner = ownerOf(sid);
      return (owner === undefined ? undefined : given.get(owner)?.servers) ?? [];
    },
    /** For hearth's own agent; without those whose names are `taken`. */
    specs(sid: SessionId, taken: ReadonlySet<string>): GivenServers | undefined {
      const owner = ownerOf(sid);
      const found = owner === undefined ? undefined : given.get(owner);
      if (owner === undefined || found === undefined) return undefined;
      const place = { root: rootOf(found.wid, owner), env: envOf(found.wid) };
      const usable = found.servers.filter(({ name }) => !taken.has(name));
      const hidden = found.servers.flatMap(({ name }) => (taken.has(name) ? [name] : []));
      return { id: idOf(owner), specs: usable.map((server) => specOf(server, place)), hidden };
    },
    /** The sessions of a workspace that have servers: they are forgotten. Returns the ids to close. */
    forgetAll(wid: WorkspaceId): string[] {
      const mine = [...given].filter(([, { wid: where }]) => where === wid).map(([sid]) => sid);
      for (const sid of mine) given.delete(sid);
      return mine.map(idOf);
    },
    forget: (sid: SessionId) => void given.delete(sid),
    idOf,
    isIdOfSession: (id: string): boolean => id.startsWith(PREFIX),
  };
}
export type SessionMcp = ReturnType<typeof createSessionMcp>;

function specOf(
  server: SessionMcpServer,
  { root, env }: { root: string; env: Readonly<Record<string, string>> },
): McpServerSpec {
  const common = { name: server.name, source: EDITOR, root, ...LIMITS };
  if (server.transport === "http") {
    const { url, headers } = server;
    return { ...common, transport: { kind: "http", url, headers, env } };
  }
  const own = { ...withoutHearth(env), ...server.env };
  return {
    ...common,
    transport: { kind: "stdio", command: [server.command, ...server.args], cwd: root, env: own },
  };
}
