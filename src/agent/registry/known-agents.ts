import { basename } from "node:path";
import type { AgentConfig } from "../../protocol/config.ts";
import type { PermissionMode } from "../../protocol/permission.ts";

/**
 * One of an agent's own modes; null when its environment sets it. `variable`: this environment variable names the mode.
 * The variable alone is not enough, because a resumed conversation keeps the mode it had.
 */
type OwnMode = string | { variable: string } | null;

/** How an agent that hearth knows is found, made to ask for permission, installed and logged in (docs/agents.md). */
export type KnownAgent = {
  backend: "acp" | "opencode";
  command: readonly [string, ...string[]];
  /** Other names of its program, depending on how it was installed. */
  aliases?: readonly string[];
  /** Makes it ask before it acts. Overrides the client's environment; the configuration overrides it. */
  env: Readonly<Record<string, string>>;
  /**
   * The agent's mode for each of hearth's modes. If the agent asks about everything, hearth answers by its own mode, and
   * one asking mode serves all of them.
   */
  modes: Readonly<Record<PermissionMode, OwnMode>>;
  /** Prefixes of the agent's own environment variables, including its login. */
  prefixes: readonly string[];
  install: string;
  /** Arguments that start its program for a login. */
  login: readonly string[];
};

const sameMode = (mode: OwnMode): KnownAgent["modes"] => ({
  ...{ ask: mode, accept_edits: mode, plan: mode, yolo: mode },
});

/** goose's package for this machine. The npm package named "goose" is another program. */
const goosePackage = `goose-binary-${process.platform}-${process.arch}`;

export const knownAgents: Readonly<Record<string, KnownAgent>> = {
  goose: {
    backend: "acp",
    command: ["goose", "acp"],
    aliases: [goosePackage],
    env: { GOOSE_MODE: "approve" },
    modes: sameMode({ variable: "GOOSE_MODE" }),
    prefixes: ["GOOSE_"],
    install: `npm install -g @aaif/${goosePackage}`,
    login: ["configure"],
  },
  qwen: {
    backend: "acp",
    command: ["qwen", "--acp"],
    env: {},
    // It starts in `auto`, where its own model approves calls.
    modes: sameMode("default"),
    prefixes: ["QWEN_"],
    install: "npm install -g @qwen-code/qwen-code",
    login: ["-i", "/auth"],
  },
  opencode: {
    backend: "opencode",
    command: ["opencode"],
    env: { OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask","webfetch":"ask"}' },
    modes: sameMode(null),
    prefixes: ["OPENCODE_"],
    install: "npm install -g opencode-ai",
    login: ["auth", "login"],
  },
  claude: {
    backend: "acp",
    command: ["claude-agent-acp"],
    env: {},
    modes: sameMode("default"),
    prefixes: ["CLAUDE_"],
    install: "npm install -g @agentclientprotocol/claude-agent-acp",
    login: ["--cli", "auth", "login"],
  },
  codex: {
    backend: "acp",
    command: ["codex-acp"],
    env: {},
    // It runs commands in a sandbox without asking, and asks only for what the sandbox blocks. With full access it would
    // not even ask before commands that could destroy the machine.
    modes: { ...sameMode("read-only"), yolo: "workspace-write" },
    prefixes: ["CODEX_"],
    install: "npm install -g @agentclientprotocol/codex-acp",
    login: ["cli", "login"],
  },
  gemini: {
    backend: "acp",
    command: ["gemini", "--acp"],
    env: {},
    modes: sameMode("default"),
    prefixes: ["GEMINI_CLI_"],
    install: "npm install -g @google/gemini-cli",
    login: ["-i", "/auth"],
  },
};

/** The known agent with that program, whatever its name in the configuration; null if there is none. */
export const knownByProgram = (path: string): KnownAgent | null =>
  Object.values(knownAgents).find(({ command, aliases = [] }) =>
    [command[0], ...aliases].includes(basename(path)),
  ) ?? null;

/** An agent's configuration merged with hearth's defaults for it; null if there is no such agent. */
export function agentSettings(
  name: string,
  config: AgentConfig | undefined,
): { known: KnownAgent | null; backend: "acp" | "opencode" | "native"; command: readonly string[] } | null {
  const known = Object.hasOwn(knownAgents, name) ? (knownAgents[name] ?? null) : null;
  if (known === null && config === undefined) return null;
  return {
    known,
    backend: config?.backend ?? known?.backend ?? "acp",
    command: config?.command ?? known?.command ?? [],
  };
}
