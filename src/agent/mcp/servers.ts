import { settlesWithin } from "../../async/wait.ts";
import { createOutputFolder } from "../tools/command/output-folder.ts";
import type { Tool } from "../tools/tool.ts";
import { createWorkerPool } from "../worker/pool.ts";
import { type ConnectionDeps, createMcpConnection, type McpConnection } from "./connection.ts";
import { createResultKeeper } from "./keep-result.ts";
import { fingerprintOfSpec, type McpServerSpec } from "./spec.ts";
import { createMcpTool } from "./tool.ts";
import { createToolSearch, OFFERED_MAX } from "./tool-search.ts";

/** A workspace's tools; the same object while nothing has changed. */
export type McpTools = {
  /** Listed in the model's tools. */
  offered: readonly Tool[];
  /** Can also be called, without being listed. */
  hidden: readonly Tool[];
};

type Entry = { fingerprint: string; connection: McpConnection };
/** `version` grows with each change of what its servers offer. */
type Workspace = { entries: Map<string, Entry>; version: number };

type Deps = Pick<ConnectionDeps, "processes" | "version" | "now" | "fetchFor" | "providerOf"> & {
  /** A server of the workspace has become ready, changed, or failed. */
  onChange(workspace: string): void;
};

const none: McpTools = { offered: [], hidden: [] };

export type McpServers = ReturnType<typeof createMcpServers>;

/**
 * The MCP servers of all workspaces, and of sessions that have some of their own: an id is that of either. A server
 * belongs to one of them and is never shared.
 */
export function createMcpServers({ onChange, ...common }: Deps) {
  const keep = createResultKeeper(createOutputFolder(), createWorkerPool());
  const workspaces = new Map<string, Workspace>();
  /** By the ids of a place: what is offered there, as long as the versions are the same. */
  const offered = new Map<string, { versions: string; tools: McpTools }>();
  let count = 0;

  function workspaceOf(id: string): Workspace {
    const known = workspaces.get(id) ?? { entries: new Map(), version: 0 };
    workspaces.set(id, known);
    return known;
  }

  const connectionsOf = (ids: readonly string[]): McpConnection[] =>
    ids
      .flatMap((id) => [...(workspaces.get(id)?.entries.values() ?? [])])
      .map(({ connection }) => connection);

  function toolsOf(connections: readonly McpConnection[]): McpTools {
    const ready = connections.flatMap((connection) => {
      const state = connection.state();
      return state.phase === "ready"
        ? state.offers.tools.map((tool) => createMcpTool(connection, tool, keep))
        : [];
    });
    const names = new Set<string>();
    const all = ready.filter(({ name }) => !names.has(name) && names.add(name) !== undefined) as Tool[];
    if (all.length === 0) return none;
    if (all.length <= OFFERED_MAX) return { offered: all, hidden: [] };
    return {
      offered: createToolSearch(
        () => all,
        connections.map(({ spec }) => spec.name),
      ),
      hidden: all,
    };
  }

  return {
    /** Sets the workspace's servers. One whose configuration has changed is restarted. */
    async configure(id: string, specs: readonly McpServerSpec[]): Promise<void> {
      const workspace = workspaceOf(id);
      const wanted = new Map(
        specs.map((spec) => [spec.name, { spec, fingerprint: fingerprintOfSpec(spec) }]),
      );
      const ending = [];
      for (const [name, entry] of workspace.entries) {
        if (wanted.get(name)?.fingerprint === entry.fingerprint) continue;
        workspace.entries.delete(name);
        workspace.version += 1;
        ending.push(entry.connection.close());
      }
      const entries = new Map<string, Entry>();
      for (const [name, { spec, fingerprint }] of wanted) {
        const known = workspace.entries.get(name);
        count += known === undefined ? 1 : 0;
        const deps = {
          ...{ ...common, owner: `mcp-${count}-${name.replace(/[^\w-]/g, "_").slice(0, 40)}` },
          onChange() {
            workspace.version += 1;
            onChange(id);
          },
        };
        entries.set(name, known ?? { fingerprint, connection: createMcpConnection(spec, deps) });
      }
      workspace.entries = entries;
      await Promise.allSettled(ending);
    },
    connections: (...ids: string[]): McpConnection[] => connectionsOf(ids),
    connection: (id: string, name: string): McpConnection | undefined =>
      workspaces.get(id)?.entries.get(name)?.connection,
    /** Starts all servers that do not run, and waits at most `ms`. Rejects only if the signal aborts. */
    async start(id: string, ms: number, signal: AbortSignal): Promise<void> {
      const starting = this.connections(id).map((connection) => connection.start());
      await settlesWithin(Promise.all(starting), ms, signal);
    },
    /** What the servers of all these offer, together. */
    tools(...ids: string[]): McpTools {
      const place = ids.join(" ");
      const versions = ids.map((id) => workspaceOf(id).version).join(" ");
      const known = offered.get(place);
      if (known?.versions === versions) return known.tools;
      const tools = toolsOf(connectionsOf(ids));
      offered.set(place, { versions, tools });
      return tools;
    },
    async close(id: string): Promise<void> {
      const { entries } = workspaceOf(id);
      workspaces.delete(id);
      for (const place of offered.keys()) if (place.split(" ").includes(id)) offered.delete(place);
      await Promise.allSettled([...entries.values()].map(({ connection }) => connection.close()));
    },
    async closeAll(): Promise<void> {
      await Promise.allSettled([...workspaces.keys()].map((id) => this.close(id)));
    },
  };
}
