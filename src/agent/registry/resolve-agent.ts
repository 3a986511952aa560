import { basename } from "node:path";
import type { AgentStatus } from "../../protocol/agent.ts";
import type { AgentConfig } from "../../protocol/config.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { FolderGate } from "../files/folder-gate.ts";
import { findCommand } from "../process/find-command.ts";
import { agentSettings, type KnownAgent, knownByProgram } from "./known-agents.ts";

/** The client's variables that an agent's environment is built from. Model providers' keys are only in `provider`. */
export type ClientEnvironment = {
  tool: Readonly<Record<string, string>>;
  agent: Readonly<Record<string, string>>;
  provider: Readonly<Record<string, string>>;
};

/** How to start an agent now. */
export type Launch = {
  agent: string;
  backend: "acp" | "opencode";
  /** Its program by absolute path, then its arguments. */
  command: readonly [string, ...string[]];
  /** The whole environment. */
  env: Readonly<Record<string, string>>;
  /** The agent's mode for each of hearth's modes; null if unknown, or if none is to be set. */
  modes: Readonly<Record<PermissionMode, string | null>>;
  /** The model from the configuration. */
  model: string | null;
  login: string | null;
  /** The same as a command to run, by the program's absolute path where that is known. */
  loginCommand?: readonly [string, ...string[]] | undefined;
  /** The command that updates the agent; absent if unknown. */
  update?: string | undefined;
  /** When its program was last changed. A changed program needs a new child. */
  mtimeMs: number;
};

export type Unusable = { status: Exclude<AgentStatus, "ready">; reason: string; fix: string | null };

export type ResolvedAgent = {
  name: string;
  backend: "acp" | "opencode";
  model: string | null;
} & ({ launch: Launch; unusable: null } | { launch: null; unusable: Unusable });

/** Resolves an agent without starting it; null if there is no agent of that name. */
export async function resolveAgent(
  name: string,
  config: AgentConfig | undefined,
  client: ClientEnvironment,
  folders: FolderGate,
): Promise<ResolvedAgent | null> {
  const settings = agentSettings(name, config);
  if (settings === null) return null;
  const { known, backend, command } = settings;
  const model = config?.model ?? null;
  const unusable = (status: Unusable["status"], reason: string, fix: string | null): ResolvedAgent => ({
    name,
    backend: backend === "opencode" ? "opencode" : "acp",
    model,
    launch: null,
    unusable: { status, reason, fix },
  });
  if (config?.enabled === false) {
    return unusable(
      "disabled",
      `${name} is switched off in the configuration`,
      `set agents.${name}.enabled to true in hearth.jsonc`,
    );
  }
  if (backend === "native") {
    return unusable(
      "error",
      `agents.${name}.backend cannot be native: that is hearth's own agent`,
      `set agents.${name}.backend to acp or opencode in hearth.jsonc`,
    );
  }
  const [program, ...args] = command;
  if (program === undefined) {
    return unusable(
      "error",
      `agents.${name} has no command`,
      `name the program that starts it as agents.${name}.command in hearth.jsonc`,
    );
  }
  const missing = missingVariables(config, client);
  if (missing !== undefined) {
    return unusable(
      "needs_login",
      `agents.${name}.env names the variable ${missing}, which is not set here`,
      `export ${missing}=…`,
    );
  }
  const env = environmentOf(known, config, client);
  const names = config?.command === undefined ? [program, ...(known?.aliases ?? [])] : [program];
  const searches = await Promise.all(names.map((name) => findCommand(name, env, folders)));
  const found = searches.map((search) => search.found).find((one) => one !== undefined);
  if (found === undefined) {
    const [silent] = searches.flatMap((search) => search.silent);
    if (silent !== undefined)
      return unusable(
        "error",
        `its command ${program} was not found, and the folder ${silent} does not respond`,
        `connect ${silent} again, or take it off PATH`,
      );
    return program.includes("/")
      ? unusable(
          "not_installed",
          `its command ${program} is not there, or may not be run`,
          `name it by its absolute path as agents.${name}.command in hearth.jsonc`,
        )
      : unusable(
          "not_installed",
          `its command ${program} is not on PATH`,
          known?.install ?? `name its path as agents.${name}.command in hearth.jsonc`,
        );
  }
  return {
    name,
    backend,
    model,
    unusable: null,
    launch: {
      agent: name,
      backend,
      command: [found.path, ...args],
      env,
      modes: modesOf(known ?? knownByProgram(found.path), env),
      model,
      login: known === null ? `hearth agents login ${name}` : loginOf(known, found.path, program),
      loginCommand:
        known === null
          ? undefined
          : [isOwnProgram(known, found.path) ? found.path : known.command[0], ...known.login],
      ...(known === null ? {} : { update: `${known.install}@latest` }),
      mtimeMs: found.mtimeMs,
    },
  };
}

/** In the words of a command: the session's folder, for a prefix that mounts it in a container. */
const CWD = "{cwd}";
export const namesFolder = ({ command }: Pick<Launch, "command">): boolean =>
  command.some((word) => word.includes(CWD));
export const commandIn = (
  { command: [program, ...args] }: Pick<Launch, "command">,
  root: string,
): Launch["command"] => [program, ...args.map((word) => word.replaceAll(CWD, root))];

export function modesOf(known: KnownAgent | null, env: Readonly<Record<string, string>>): Launch["modes"] {
  const named = (of: PermissionMode) => {
    const mode = known?.modes[of] ?? null;
    return mode !== null && typeof mode === "object" ? (env[mode.variable] ?? null) : mode;
  };
  return { ask: named("ask"), accept_edits: named("accept_edits"), plan: named("plan"), yolo: named("yolo") };
}

const isOwnProgram = (known: KnownAgent, path: string): boolean =>
  [known.command[0], ...(known.aliases ?? [])].includes(basename(path));

/** The login command, with the agent's program as it is called here. If a launcher starts the agent, its own program is assumed to be on PATH. */
function loginOf(known: KnownAgent, path: string, program: string): string {
  const name = basename(path);
  const called = isOwnProgram(known, path) ? (program.includes("/") ? path : name) : known.command[0];
  return [called, ...known.login].join(" ");
}

/** The error for a prompt to an agent that cannot be used. */
export const unusableError = (name: string, { status, reason, fix }: Unusable): HearthError => {
  const fixText = fix === null ? "" : ` To fix it: ${fix}.`;
  return new HearthError("agent_unavailable", `${name} cannot be used: ${reason}.${fixText}`, {
    details: { status, ...(fix === null ? {} : { fix }) },
  });
};

const envReference = /^env:([A-Za-z_][A-Za-z0-9_]*)$/;

function missingVariables(config: AgentConfig | undefined, client: ClientEnvironment): string | undefined {
  return Object.values(config?.env ?? {})
    .map((value) => envReference.exec(value)?.[1])
    .find((name) => name !== undefined && lookUp(name, client) === undefined);
}

const lookUp = (name: string, client: ClientEnvironment): string | undefined =>
  client.provider[name] ?? client.agent[name] ?? client.tool[name];

/**
 * The tool environment, the agent's own variables, the variables that make it ask, and those of the configuration. Model
 * providers' keys are not in it unless the configuration names them (`"OPENAI_API_KEY": "env:OPENAI_API_KEY"`).
 */
function environmentOf(
  known: KnownAgent | null,
  config: AgentConfig | undefined,
  client: ClientEnvironment,
): Record<string, string> {
  const own = Object.entries(client.agent).filter(([name]) =>
    known?.prefixes.some((prefix) => name.startsWith(prefix)),
  );
  const configured = Object.entries(config?.env ?? {}).map(([name, value]): [string, string] => {
    const source = envReference.exec(value)?.[1];
    return [name, source === undefined ? value : (lookUp(source, client) ?? "")];
  });
  return { ...client.tool, ...Object.fromEntries(own), ...known?.env, ...Object.fromEntries(configured) };
}
