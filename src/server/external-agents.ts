import { createAcpBackend } from "../agent/acp/backend.ts";
import type { AgentSessionEvent, Backend, SessionContainer, SessionContext } from "../agent/backend.ts";
import { createWarmKeeper } from "../agent/children/warm-keeper.ts";
import type { FolderGate } from "../agent/files/folder-gate.ts";
import { createOpencodeBackend } from "../agent/opencode/backend.ts";
import type { ProcessSupervisor } from "../agent/process/types.ts";
import { knownAgents } from "../agent/registry/known-agents.ts";
import { type AgentFacts, createProbes } from "../agent/registry/probes.ts";
import {
  type Launch,
  namesFolder,
  type ResolvedAgent,
  resolveAgent,
  unusableError,
} from "../agent/registry/resolve-agent.ts";
import { ignoreError, inBackground } from "../async/in-background.ts";
import type { Agent, AgentLogin } from "../protocol/agent.ts";
import type { Config } from "../protocol/config.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { AgentSource } from "./agents.ts";
import type { Environments } from "./environments.ts";
import type { Caller } from "./services.ts";
import type { WorkspaceSettings } from "./workspace-settings.ts";

type ExternalAgentsDeps = {
  settings: WorkspaceSettings;
  environments: Environments;
  rootOf(wid: WorkspaceId): string;
  processes: ProcessSupervisor;
  folders: FolderGate;
  containerOf(sid: SessionId): SessionContainer | undefined;
  /** New facts about an agent are known. */
  onFactsChanged(wid: WorkspaceId): void;
  version: string;
  now: () => Date;
};

/** The login command that hearth knows of an agent. */
const OWN_LOGIN = "own";
/** Starting an agent takes so long at most. */
const LOGIN_ASK_MS_MAX = 120_000;
/** Longer than a person takes who has to look for a password. */
const LOGIN_MS_MAX = 10 * 60_000;

/** A backend that can be asked about its agent. */
type Probing = Backend & {
  probe(launch: Launch, root: string, signal: AbortSignal): Promise<AgentFacts | null>;
};

export type ExternalAgents = ReturnType<typeof createExternalAgents>;

/** Other people's agents: those that hearth knows by name, and those named in the configuration. */
export function createExternalAgents(deps: ExternalAgentsDeps) {
  const { settings, environments, processes, folders } = deps;
  const now = () => deps.now().getTime();
  const warm = createWarmKeeper({ limits: () => settings.orDefaults(null).limits, now });
  const backends = {
    acp: createAcpBackend({ processes, warm, launch: launchOf, now, version: deps.version }),
    opencode: createOpencodeBackend({ processes, warm, launch: launchOf, now }),
  } satisfies Record<"acp" | "opencode", Probing>;
  let recording: Promise<void> = Promise.resolve();
  const sourceByName = new Map<string, AgentSource>();

  const probes = createProbes({
    ask: (launch, root, signal) => backends[launch.backend].probe(launch, root, signal),
  });

  function resolve(
    name: string,
    config: Config,
    wid: WorkspaceId,
    caller: Caller,
    tool: Readonly<Record<string, string>>,
  ): Promise<ResolvedAgent | null> {
    const agent = environments.forAgents(wid, caller);
    const provider = environments.forProviders(wid, caller);
    return resolveAgent(name, config.agents?.[name], { tool, agent, provider }, folders);
  }

  /** Resolved with the newest client's environment. */
  const resolveFor = (wid: WorkspaceId, name: string): Promise<ResolvedAgent | null> =>
    resolve(name, settings.orDefaults(wid).config, wid, null, environments.forTools(wid, null, undefined));

  /** Throws agent_unavailable with the fix, or config_invalid. */
  async function launchOf({ session_id, agent, env }: Pick<SessionContext, "session_id" | "agent" | "env">) {
    const wid = settings.workspaceOf(session_id);
    const { config } = settings.of(wid);
    const resolved = await resolve(agent, config, wid, settings.prompterOf(session_id), env);
    if (resolved === null)
      throw new HearthError("agent_unavailable", `There is no agent named ${agent} here.`);
    if (resolved.unusable !== null) throw unusableError(agent, resolved.unusable);
    if (deps.containerOf(session_id) !== undefined && !namesFolder(resolved.launch))
      throw new HearthError(
        "agent_unavailable",
        `${agent} would run outside the session's container. Give agents.${agent}.command a prefix that starts it in one, with {cwd} for the folder (docs/containers.md).`,
      );
    return resolved.launch;
  }

  async function describe(wid: WorkspaceId, name: string): Promise<Agent> {
    const resolved = await resolveFor(wid, name);
    if (resolved === null) throw new Error(`${name} has just been named, and is not there`);
    const probed = resolved.launch === null ? undefined : probes.known(resolved.launch);
    const trouble = resolved.unusable ?? probed?.trouble ?? null;
    const facts = probed?.facts;
    return {
      name,
      backend: resolved.backend,
      status: trouble?.status ?? "ready",
      reason: trouble?.reason ?? null,
      fix: trouble?.fix ?? null,
      version: facts?.version ?? null,
      model: resolved.model ?? facts?.model ?? null,
      models: facts?.models ?? [],
      modes: facts?.modes ?? [],
      commands: facts?.commands ?? [],
    };
  }

  function sourceOf(name: string, backend: Backend): AgentSource {
    const before = sourceByName.get(name);
    if (before?.backend === backend) return before;
    const source: AgentSource = { backend, describe: (wid) => describe(wid, name) };
    sourceByName.set(name, source);
    return source;
  }

  async function recordFacts(wid: WorkspaceId, name: string, event: AgentSessionEvent): Promise<void> {
    const resolved = await resolveFor(wid, name);
    if (!resolved?.launch) return;
    if (event.type === "models")
      probes.update(resolved.launch, {
        models: event.models,
        ...(event.current === null ? {} : { model: event.current }),
      });
    else if (event.type === "version") probes.update(resolved.launch, { version: event.version });
    else if (event.type === "modes") probes.update(resolved.launch, { modes: event.modes });
    else if (event.type === "commands") probes.update(resolved.launch, { commands: event.commands });
    else if (event.type !== "login" || !probes.setLoginFailure(resolved.launch, event.reason)) return;
    deps.onFactsChanged(wid);
  }

  async function probe(wid: WorkspaceId, name: string): Promise<void> {
    const resolved = await resolveFor(wid, name);
    if (resolved?.launch) await probes.probe(resolved.launch, deps.rootOf(wid));
  }

  /** Throws agent_unavailable. */
  async function launchHere(wid: WorkspaceId, name: string): Promise<Launch> {
    const resolved = await resolveFor(wid, name);
    if (resolved === null)
      throw new HearthError("agent_unavailable", `There is no agent named ${name} here.`);
    if (resolved.launch === null) throw unusableError(name, resolved.unusable);
    return resolved.launch;
  }

  async function logins(wid: WorkspaceId, name: string): Promise<AgentLogin[]> {
    const launch = await launchHere(wid, name);
    const env = ownVariables(launch.env, environments.forTools(wid, null, undefined));
    const { loginCommand, login } = launch;
    const own: AgentLogin[] =
      loginCommand === undefined
        ? []
        : [
            {
              ...{ id: OWN_LOGIN, name: `${name}'s own login`, description: login },
              terminal: { command: [...loginCommand], env },
            },
          ];
    if (launch.backend !== "acp") return own;
    try {
      const signal = AbortSignal.timeout(LOGIN_ASK_MS_MAX);
      const named = await backends.acp.logins(launch, deps.rootOf(wid), signal);
      const asked = named.map(({ terminal, ...method }) => ({
        ...method,
        terminal: terminal && { ...terminal, env: { ...env, ...terminal.env } },
      }));
      return [...own, ...asked];
    } catch (error) {
      // It may not even start without a login.
      if (own.length > 0 && error instanceof HearthError) return own;
      throw error;
    }
  }

  return {
    logins,
    /** Has the agent log in, or takes it that a login in a terminal is done; then asks the agent anew. */
    async login(wid: WorkspaceId, name: string, id: string): Promise<void> {
      const method = (await logins(wid, name)).find((login) => login.id === id);
      if (method === undefined)
        throw new HearthError("invalid_request", `id: ${name} has no login called "${id}".`, {
          details: { field: "id" },
        });
      const launch = await launchHere(wid, name);
      const root = deps.rootOf(wid);
      if (launch.backend === "acp") {
        if (method.terminal !== null) backends.acp.loggedIn(launch, root);
        else await backends.acp.authenticate(launch, root, id, AbortSignal.timeout(LOGIN_MS_MAX));
      }
      await probes.probe(launch, root);
    },
    /** By name. The list depends on the configuration alone; whether an agent can run is checked later. */
    sources(wid: WorkspaceId): Map<string, AgentSource> {
      const configured = settings.orDefaults(wid).config.agents ?? {};
      const names = new Set([...Object.keys(knownAgents), ...Object.keys(configured)]);
      names.delete("hearth");
      return new Map(
        [...names].map((name) => {
          const kind = configured[name]?.backend ?? knownAgents[name]?.backend;
          return [name, sourceOf(name, backends[kind === "opencode" ? "opencode" : "acp"])];
        }),
      );
    },
    /** Starts the agent and asks for its facts. Resolves when it has answered or failed. */
    probe,
    /**
     * Probes in the background the agents that the configuration or a session names. Others are probed at first use.
     */
    probeConfigured(wid: WorkspaceId) {
      const { config } = settings.orDefaults(wid);
      const names = new Set([...Object.keys(config.agents ?? {}), ...(config.agent ? [config.agent] : [])]);
      names.delete("hearth");
      for (const name of names) {
        // a failed probe is repeated at first use
        inBackground(async () => {
          const resolved = await resolveFor(wid, name);
          if (!resolved?.launch || probes.known(resolved.launch) !== undefined) return;
          await probes.probe(resolved.launch, deps.rootOf(wid));
          deps.onFactsChanged(wid);
        }, ignoreError);
      }
    },
    /** Facts that a running agent reports about itself, recorded in order. */
    updateFacts(wid: WorkspaceId, name: string, event: AgentSessionEvent) {
      recording = recording.then(() => recordFacts(wid, name, event)).catch(ignoreError);
    },
    async close() {
      await recording;
      await Promise.allSettled([
        probes.close(),
        ...Object.values(backends).map((backend) => backend.close()),
      ]);
      warm.close();
    },
  };
}

/** What an agent is given besides what every command gets. */
const ownVariables = (
  all: Readonly<Record<string, string>>,
  ofTools: Readonly<Record<string, string>>,
): Record<string, string> =>
  Object.fromEntries(Object.entries(all).filter(([name, value]) => ofTools[name] !== value));
