import { basename } from "node:path";
import type { AgentConfig } from "../../protocol/config.ts";
import type { PermissionMode } from "../../protocol/permission.ts";

/**
 * One of an agent's own modes; null where its environment does it. `variable`: the mode that this one of its
 * environment names, in which it only begins: what it takes up again has the mode it had.
 */
type OwnMode = string | { variable: string } | null;

/** How an agent that hearth knows by name is found, made to ask, and mended. Measured: see docs/agents.md. */
export type KnownAgent = {
  backend: "acp" | "opencode";
  command: readonly [string, ...string[]];
  /** Other names that its program has, by how it was installed. */
  aliases?: readonly string[];
  /** What makes it ask before it acts; stronger than the client's environment, weaker than the configuration. */
  env: Readonly<Record<string, string>>;
  /**
   * The one of its own modes that each of hearth's wants. Where it asks for whatever it would do, hearth answers as its
   * own mode says, so that one asking mode does for all.
   */
  modes: Readonly<Record<PermissionMode, OwnMode>>;
  /** The beginnings of the names of its own variables, its login among them. */
  prefixes: readonly string[];
  install: string;
  /** What its program is to be started with so that a person can log in. */
  login: readonly string[];
};

const asking = (mode: OwnMode): KnownAgent["modes"] => ({
  ...{ ask: mode, accept_edits: mode, plan: mode, yolo: mode },
});

/** Its package for this machine; the one that is called goose holds another program. */
const goosePackage = `goose-binary-${process.platform}-${process.arch}`;

export const knownAgents: Readonly<Record<string, KnownAgent>> = {
  goose: {
    backend: "acp",
    command: ["goose", "acp"],
    aliases: [goosePackage],
    env: { GOOSE_MODE: "approve" },
    modes: asking({ variable: "GOOSE_MODE" }),
    prefixes: ["GOOSE_"],
    install: `npm install -g @aaif/${goosePackage}`,
    login: ["configure"],
  },
  qwen: {
    backend: "acp",
    command: ["qwen", "--acp"],
    env: {},
    // It starts in `auto`, where a model of its own approves.
    modes: asking("default"),
    prefixes: ["QWEN_"],
    install: "npm install -g @qwen-code/qwen-code",
    login: ["-i", "/auth"],
  },
  opencode: {
    backend: "opencode",
    command: ["opencode"],
    env: { OPENCODE_PERMISSION: '{"edit":"ask","bash":"ask","webfetch":"ask"}' },
    modes: asking(null),
    prefixes: ["OPENCODE_"],
    install: "npm install -g opencode-ai",
    login: ["auth", "login"],
  },
  claude: {
    backend: "acp",
    command: ["claude-agent-acp"],
    env: {},
    modes: asking("default"),
    prefixes: ["CLAUDE_"],
    install: "npm install -g @agentclientprotocol/claude-agent-acp",
    login: ["--cli", "auth", "login"],
  },
  codex: {
    backend: "acp",
    command: ["codex-acp"],
    env: {},
    // It does not ask before a command, it runs it in a sandbox, and asks for what the sandbox is in the way of. With
    // full access it would ask for nothing at all, not even for what could destroy the machine.
    modes: { ...asking("read-only"), yolo: "workspace-write" },
    prefixes: ["CODEX_"],
    install: "npm install -g @agentclientprotocol/codex-acp",
    login: ["cli", "login"],
  },
  gemini: {
    backend: "acp",
    command: ["gemini", "--acp"],
    env: {},
    modes: asking("default"),
    prefixes: ["GEMINI_CLI_"],
    install: "npm install -g @google/gemini-cli",
    login: ["-i", "/auth"],
  },
};

/** Under whatever name the configuration has it; null when its program is none that hearth knows. */
export const knownByProgram = (path: string): KnownAgent | null =>
  Object.values(knownAgents).find(({ command, aliases = [] }) =>
    [command[0], ...aliases].includes(basename(path)),
  ) ?? null;

/** An agent by that name as the configuration has it, laid over what is known of it; null when there is none. */
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
