import type { McpConnection } from "../agent/mcp/connection.ts";
import { createOAuthProvider, type McpLogins } from "../agent/mcp/oauth.ts";
import { createMcpServers } from "../agent/mcp/servers.ts";
import { type McpServerSpec, specOf } from "../agent/mcp/spec.ts";
import { createConnections } from "../agent/native/models/network/connection.ts";
import type { MoreTools } from "../agent/native/tool-set.ts";
import type { ProcessSupervisor } from "../agent/process/types.ts";
import { ignoreError, inBackground } from "../async/in-background.ts";
import { settlesWithin } from "../async/wait.ts";
import type { McpServerConfig } from "../protocol/config.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { McpServer, SessionMcpServer } from "../protocol/mcp.ts";
import type { Environments } from "./environments.ts";
import { createLoginServices } from "./mcp-login.ts";
import { EDITOR, type GivenServers, type SessionMcp } from "./session-mcp.ts";
import type { WorkspaceSettings } from "./workspace-settings.ts";

type McpDeps = {
  settings: WorkspaceSettings;
  environments: Environments;
  rootOf(wid: WorkspaceId): string;
  processes: ProcessSupervisor;
  /** The user's configuration, as people see its path. */
  configFile: string;
  version: string;
  logins: McpLogins;
  /** What editors have given to sessions. */
  given: SessionMcp;
  now: () => Date;
  onChange(wid: WorkspaceId): void;
};

/** How long a turn waits for servers that start with it. Later turns do not wait for one that is as slow. */
const FIRST_WAIT_MS = 15_000;

const loginCommand = (name: string): string => `hearth mcp login ${name}`;

export type McpSource = {
  /** Starts what does not run, and waits a while. Returns what is missing, one sentence each. */
  begin(signal: AbortSignal): Promise<readonly string[]>;
  tools(): MoreTools;
  connections(): McpConnection[];
};

export type Mcp = ReturnType<typeof createMcp>;

/** The MCP servers of each workspace: those of the user's configuration, and those of a project that is trusted. */
export function createMcp(deps: McpDeps) {
  const { settings, environments, configFile, given } = deps;
  const connections = createConnections();
  /** The fetch of models takes texts and plain headers; the client library sends forms and other kinds too. */
  async function fetchFor(env: Readonly<Record<string, string>>): Promise<typeof globalThis.fetch> {
    const fetch = await connections.fetchFor(env);
    return (input, { body, headers, ...init } = {}) =>
      fetch(input, {
        ...init,
        headers: Object.fromEntries(new Headers(headers)),
        body: body instanceof URLSearchParams ? body.toString() : (body ?? null),
      });
  }
  const servers = createMcpServers({
    processes: deps.processes,
    version: deps.version,
    fetchFor,
    providerOf: (key) => createOAuthProvider(key, deps.logins),
    now: () => deps.now().getTime(),
    onChange(id) {
      // What a session's own servers offer concerns nobody else.
      if (!given.isIdOfSession(id)) deps.onChange(id as WorkspaceId); // the others are the workspaces'
    },
  });
  const waitedFor = new WeakSet<McpConnection>();

  type Named = { name: string; config: McpServerConfig; source: string; isTrusted: boolean };

  function named(wid: WorkspaceId): Named[] {
    const own = Object.entries(settings.orDefaults(null).config.mcp_servers ?? {}).map(
      ([name, config]): Named => ({ name, config, source: configFile, isTrusted: true }),
    );
    const project = (isTrusted: boolean): Named[] =>
      (isTrusted ? settings.trust.trusted(wid) : settings.trust.untrusted(wid)).flatMap(
        ({ name, source, what }) =>
          what.kind === "mcp_server" ? [{ name, config: what.server, source, isTrusted }] : [],
      );
    return [...own, ...project(true), ...project(false)].filter(
      ({ name }, at, all) => all.findIndex((other) => other.name === name) === at,
    );
  }

  function specsOf(wid: WorkspaceId): McpServerSpec[] {
    const env = environments.forTools(wid, null, undefined);
    return named(wid).flatMap(({ name, config, source, isTrusted }) => {
      const secrets = source === configFile ? environments.forProviders(wid, null) : {};
      const loginAt = (url: string) => {
        const key = loginKey(wid, name, source, url);
        return deps.logins.get(key)?.tokens === undefined ? undefined : key;
      };
      const place = { root: deps.rootOf(wid), source, env, secrets, loginAt };
      return (isTrusted && specOf(name, config, place)) || [];
    });
  }

  /** A project's own server has a login of its own in each folder. */
  const loginKey = (wid: WorkspaceId, name: string, source: string, url: string): string =>
    [...(source === configFile ? [] : [deps.rootOf(wid)]), name, url].join(" ");

  const configure = (wid: WorkspaceId) => servers.configure(wid, specsOf(wid));

  /** Those that an editor gave to the session. One of the same name that is configured goes first. */
  async function configureSession(wid: WorkspaceId, sid: SessionId): Promise<GivenServers | undefined> {
    const found = given.specs(sid, new Set(specsOf(wid).map(({ name }) => name)));
    if (found !== undefined) await servers.configure(found.id, found.specs);
    return found;
  }

  function troubleOf({ spec, state }: McpConnection): string | undefined {
    const now = state();
    if (now.phase === "starting")
      return `The MCP server ${spec.name} has not started yet: this turn goes on without it.`;
    if (now.phase !== "failed") return undefined;
    const { kind, reason } = now.failure;
    const login =
      spec.source === EDITOR
        ? " Write it into hearth's own configuration to log in to it."
        : ` Log in with \`${loginCommand(spec.name)}\`.`;
    return `The MCP server ${spec.name} cannot be used: ${reason}.${kind === "needs_login" ? login : ""}`;
  }

  function brokenOf({ spec, state }: McpConnection): string | undefined {
    const now = state();
    const count = now.phase === "ready" ? now.offers.brokenCount : 0;
    if (count === 0) return undefined;
    return `The MCP server ${spec.name} describes ${count} of its tools, prompts or resources wrongly: they are left out.`;
  }

  /** The servers as one session sees them: their tools change only between its turns. */
  function sourceOf(wid: WorkspaceId, sid: SessionId): McpSource {
    let ids: readonly string[] = [wid];
    let tools = servers.tools(...ids);
    return {
      async begin(signal) {
        await configure(wid);
        const own = await configureSession(wid, sid);
        ids = own === undefined ? [wid] : [wid, own.id];
        const connections = servers.connections(...ids);
        const fresh = connections.filter((connection) => !waitedFor.has(connection));
        const starting = connections.map((connection) => connection.start());
        const awaited = starting.filter((_, at) => fresh.includes(connections[at] as McpConnection));
        if (awaited.length > 0) await settlesWithin(Promise.all(awaited), FIRST_WAIT_MS, signal);
        for (const connection of fresh) waitedFor.add(connection);
        tools = servers.tools(...ids);
        return [
          ...(own?.hidden ?? []).map(
            (name) => `The editor's MCP server ${name} is not used: your configuration has one of that name.`,
          ),
          ...connections.flatMap((connection) =>
            [troubleOf(connection) ?? [], brokenOf(connection) ?? []].flat(),
          ),
        ];
      },
      tools: () => tools,
      connections: () => servers.connections(...ids),
    };
  }

  function present(wid: WorkspaceId, { name, config, source, isTrusted }: Named): McpServer {
    const connection = servers.connection(wid, name);
    const state = connection?.state() ?? { phase: "idle" };
    const failure = state.phase === "failed" ? state.failure : undefined;
    const offers = state.phase === "ready" ? state.offers : undefined;
    const phase = state.phase === "failed" ? state.failure.kind : state.phase;
    const isOff = config.enabled === false;
    return {
      ...{ name, source, transport: config.command === undefined ? "http" : "stdio" },
      target: config.command?.join(" ") ?? config.url ?? "",
      state: isOff ? "disabled" : isTrusted ? phase : "untrusted",
      reason: isTrusted ? ((failure && `${failure.reason}.`) ?? null) : "Nobody has trusted it yet.",
      fix: !isTrusted ? "hearth, then /trust" : phase === "needs_login" ? loginCommand(name) : null,
      tools: offers?.tools.map((tool) => tool.name) ?? [],
      prompts: offers?.prompts.map((prompt) => prompt.name) ?? [],
      resources: [
        ...(offers?.resources.map(({ uri }) => uri) ?? []),
        ...(offers?.templates.map(({ template }) => template) ?? []),
      ],
    };
  }

  function find(wid: WorkspaceId, name: string): Named {
    const found = named(wid).find((server) => server.name === name);
    if (found !== undefined) return found;
    throw new HearthError(
      "not_found",
      `There is no MCP server ${name} here; \`hearth mcp list\` shows them.`,
    );
  }

  const logins = createLoginServices({
    ...{ logins: deps.logins, fetchFor },
    place(wid, name) {
      const { config, source, isTrusted } = find(wid, name);
      const spec = specsOf(wid).find((one) => one.name === name);
      if (!isTrusted || config.enabled === false || spec?.transport.kind !== "http")
        throw new HearthError(
          "invalid_request",
          `${name} is ${isTrusted ? "no server at an address" : "not trusted yet"}: there is nothing to log in to.`,
        );
      const { url, headers, env } = spec.transport;
      return { url, headers, env, key: loginKey(wid, name, source, url) };
    },
    async restart(wid, name) {
      await configure(wid);
      await servers.connection(wid, name)?.start(true);
      return present(wid, find(wid, name));
    },
  });

  return {
    sourceOf,
    fetchFor,
    connections: (wid: WorkspaceId) => servers.connections(wid),
    /** Starts them in the background, so that the first prompt finds them ready. */
    prepare(wid: WorkspaceId) {
      inBackground(async () => {
        await configure(wid);
        await Promise.all(servers.connections(wid).map((connection) => connection.start()));
      }, ignoreError);
    },
    services: {
      /** Instead of those before. They start at once, so that the first prompt finds them ready. */
      give(wid: WorkspaceId, sid: SessionId, list: readonly SessionMcpServer[]) {
        given.set(wid, sid, list);
        inBackground(async () => {
          const own = await configureSession(wid, sid);
          if (own === undefined) return servers.close(given.idOf(sid));
          await Promise.all(servers.connections(own.id).map((connection) => connection.start()));
        }, ignoreError);
      },
      list: (wid: WorkspaceId): McpServer[] => named(wid).map((server) => present(wid, server)),
      /** Starts one, also one that has failed before. Throws not_found. */
      async test(wid: WorkspaceId, name: string): Promise<McpServer> {
        const server = find(wid, name);
        await configure(wid);
        await servers.connection(wid, name)?.start(true);
        return present(wid, server);
      },
    },
    logins,
    async closeWorkspace(wid: WorkspaceId) {
      await Promise.all([wid, ...given.forgetAll(wid)].map((id) => servers.close(id)));
    },
    /** It was deleted. */
    async closeSession(sid: SessionId) {
      given.forget(sid);
      await servers.close(given.idOf(sid));
    },
    async close() {
      logins.close();
      await servers.closeAll();
      await connections.close();
    },
  };
}
