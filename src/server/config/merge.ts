import { type AgentConfig, type Config, limitDefaults, type ProviderConfig } from "../../protocol/config.ts";
import type { PermissionMode } from "../../protocol/permission.ts";

type Warn = (sentence: string) => void;

/** Strictest first. */
const strictness: readonly PermissionMode[] = ["plan", "ask", "accept_edits", "yolo"];

/** What a project may choose freely. Any other key is named where it is merged, or is the user's alone. */
const choices: ReadonlySet<string> = new Set<keyof Config>([
  "model",
  "small_model",
  "agent",
  "on_last_detach",
]);

/**
 * The user's configuration with a project's on top. A project file may come from anybody, so it can only choose among
 * what the user has and narrow what is allowed. What would widen that or start something is ignored, with a warning.
 */
export function mergeProject(
  user: Config,
  project: Config,
  file: string,
): { config: Config; offered: Offered; warnings: string[] } {
  const warnings: string[] = [];
  const warn: Warn = (sentence) => warnings.push(`${file}: ${sentence}`);
  const {
    mcp_servers,
    hooks,
    agents,
    providers,
    permissions,
    limits,
    jobs,
    tools,
    isolation,
    worktree,
    ...rest
  } = project;
  const config: Config = { ...user };
  for (const [key, value] of Object.entries(rest)) {
    if (choices.has(key)) Object.assign(config, { [key]: value });
    else warn(`"${key}" is ignored: only your own configuration may set it.`);
  }
  if (worktree !== undefined)
    config.worktree = {
      ...user.worktree,
      copy: [...(user.worktree?.copy ?? []), ...(worktree.copy ?? [])],
      link: [...(user.worktree?.link ?? []), ...(worktree.link ?? [])],
    };
  if (isolation === "worktree") config.isolation = isolation;
  else if (isolation !== undefined && user.isolation === "worktree")
    warn('"isolation" is ignored: in_place allows more than worktree.');
  if (providers !== undefined) config.providers = mergeProviders(user.providers ?? {}, providers, warn);
  if (agents !== undefined) config.agents = mergeAgents(user.agents ?? {}, agents, warn);
  if (permissions !== undefined)
    config.permissions = mergePermissions(user.permissions ?? {}, permissions, warn);
  if (jobs?.wake === "never") config.jobs = jobs;
  else if (jobs?.wake !== undefined && jobs.wake !== user.jobs?.wake)
    warn('"jobs.wake" is ignored: a project may only say "never".');
  if (tools?.search === "off") config.tools = tools;
  else if (tools?.search !== undefined && tools.search !== user.tools?.search)
    warn('"tools.search" is ignored: a project may only say "off".');
  if (limits !== undefined) config.limits = mergeLimits(user.limits ?? {}, limits, warn);
  const isOwn = (name: string) => user.mcp_servers?.[name] !== undefined;
  for (const name of Object.keys(mcp_servers ?? {}).filter(isOwn))
    warn(`"mcp_servers.${name}" is ignored: your own configuration has a server of that name.`);
  const offered = {
    ...(hooks !== undefined && { hooks }),
    ...(worktree?.setup !== undefined && { worktree: { setup: worktree.setup } }),
    mcp_servers: withoutNames(mcp_servers, isOwn),
    agents: withoutNames(agents, (name) => !isOffered(name, agents?.[name] ?? {}, user.agents ?? {})),
  };
  return { config, offered, warnings };
}

/** What a project would start. It is not part of the configuration before a person has trusted it. */
export type Offered = Pick<Config, "mcp_servers" | "hooks" | "agents" | "worktree">;

const withoutNames = <T>(
  entries: Readonly<Record<string, T>> | undefined,
  isLeftOut: (name: string) => boolean,
): Record<string, T> =>
  Object.fromEntries(Object.entries(entries ?? {}).filter(([name]) => !isLeftOut(name)));

/** An agent of a project's own; not hearth, nor one whose command the user has configured. */
const isOffered = (name: string, { command }: AgentConfig, user: Agents): boolean =>
  command !== undefined && name !== "hearth" && user[name]?.command === undefined;

type Providers = NonNullable<Config["providers"]>;

/** A project may describe models. Only the user says where requests and keys go. */
function mergeProviders(user: Providers, project: Providers, warn: Warn): Providers {
  const merged: Providers = { ...user };
  for (const [name, provider] of Object.entries(project)) {
    for (const key of ["base_url", "api_key", "headers"] as const) {
      if (provider[key] === undefined) continue;
      warn(
        `"providers.${name}.${key}" is ignored: only your own configuration says where requests and keys go.`,
      );
    }
    const known = user[name];
    if (known !== undefined && known.type !== provider.type) {
      warn(`"providers.${name}.type" is ignored: your own configuration says ${known.type}.`);
    }
    const base: ProviderConfig = known ?? { type: provider.type };
    const models = { ...base.models, ...provider.models };
    merged[name] = Object.keys(models).length === 0 ? base : { ...base, models };
  }
  return merged;
}

type Agents = NonNullable<Config["agents"]>;

function mergeAgents(user: Agents, project: Agents, warn: Warn): Agents {
  const merged: Agents = { ...user };
  for (const [name, agent] of Object.entries(project)) {
    for (const key of ["command", "env", "backend"] as const) {
      if (agent[key] === undefined || isOffered(name, agent, user)) continue;
      warn(`"agents.${name}.${key}" is ignored: a project may not say what is started.`);
    }
    if (agent.enabled === true && user[name]?.enabled === false) {
      warn(`"agents.${name}.enabled" is ignored: your own configuration has it off.`);
    }
    const chosen: AgentConfig = {};
    if (agent.model !== undefined) chosen.model = agent.model;
    if (agent.enabled === false) chosen.enabled = false;
    if (Object.keys(chosen).length > 0) merged[name] = { ...user[name], ...chosen };
  }
  return merged;
}

type Permissions = NonNullable<Config["permissions"]>;

function mergePermissions(user: Permissions, project: Permissions, warn: Warn): Permissions {
  const merged: Permissions = {
    ...user,
    ask: [...(user.ask ?? []), ...(project.ask ?? [])],
    deny: [...(user.deny ?? []), ...(project.deny ?? [])],
  };
  if (project.allow !== undefined && project.allow.length > 0) {
    warn('"permissions.allow" is ignored: a project may only narrow what is allowed.');
  }
  if (project.mode !== undefined) {
    const own = user.mode ?? "ask";
    if (strictness.indexOf(project.mode) <= strictness.indexOf(own)) merged.mode = project.mode;
    else warn(`"permissions.mode" is ignored: ${project.mode} allows more than ${own}.`);
  }
  if (project.sandbox === "require") merged.sandbox = "require";
  else if (project.sandbox !== undefined && project.sandbox !== user.sandbox)
    warn('"permissions.sandbox" is ignored: a project may only require one.');
  if (project.harmless_commands === "ask") merged.harmless_commands = "ask";
  else if (project.harmless_commands === "allow" && user.harmless_commands !== "allow") {
    warn('"permissions.harmless_commands" is ignored: a project may only narrow what is allowed.');
  }
  return merged;
}

type LimitsConfig = NonNullable<Config["limits"]>;

/** A project may lower limits, not raise them. */
function mergeLimits(user: LimitsConfig, project: LimitsConfig, warn: Warn): LimitsConfig {
  const merged: LimitsConfig = { ...user };
  for (const [name, value] of Object.entries(project) as [keyof LimitsConfig, number][]) {
    const own = user[name] ?? limitDefaults[name];
    if (value <= own) merged[name] = value;
    else warn(`"limits.${name}" is ignored: ${value} is more than ${own}.`);
  }
  return merged;
}
