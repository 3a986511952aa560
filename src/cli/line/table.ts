import { permissionModes } from "../../protocol/choices.ts";
import { agentCommands } from "./commands/agents.ts";
import { changeCommands } from "./commands/changes.ts";
import { daemonCommands } from "./commands/daemon.ts";
import { oversightCommands } from "./commands/oversight.ts";
import { protocolCommands } from "./commands/protocols.ts";
import { sessionCommands } from "./commands/sessions.ts";
import { workCommands } from "./commands/work.ts";
import {
  agent,
  effort,
  goOn,
  inContainer,
  isolation,
  model,
  noAnimations,
  remoteOptions,
  screenReader,
  session,
} from "./options.ts";
import { type CommandSpec, rest } from "./spec.ts";

export const bareCommand: CommandSpec = {
  path: [],
  summary: "Open the terminal here",
  arguments: [rest("prompt", "The first prompt")],
  options: [
    goOn,
    session,
    agent,
    model,
    effort,
    { name: "mode", value: "MODE", choices: permissionModes, help: "ask, accept_edits, plan or yolo" },
    isolation,
    inContainer,
    ...remoteOptions,
    screenReader,
    noAnimations,
  ],
  examples: ["hearth", 'hearth "explain what this project does"'],
};

/** All commands, in the order of the help: used for parsing, help and completion. */
export const commands: readonly CommandSpec[] = [
  ...workCommands,
  ...sessionCommands,
  ...agentCommands,
  ...changeCommands,
  ...oversightCommands,
  ...protocolCommands,
  ...daemonCommands,
];

/** Groups of commands, in the order of the help. `alone`: the verb that the group's name alone means. */
export const groups: readonly { name: string; alone: string; summary: string }[] = [
  { name: "sessions", alone: "list", summary: "List, show and delete sessions" },
  { name: "task", alone: "list", summary: "Run prompts in worktrees of their own" },
  { name: "agents", alone: "list", summary: "Show which agents are ready" },
  { name: "models", alone: "list", summary: "Show models and prices, read them anew" },
  { name: "changes", alone: "list", summary: "Review and apply what agents changed" },
  { name: "jobs", alone: "list", summary: "List, read and end background commands" },
  { name: "permissions", alone: "list", summary: "List and revoke what is always allowed" },
  { name: "mcp", alone: "list", summary: "MCP servers to use; serve makes hearth one" },
  { name: "daemon", alone: "status", summary: "Start, stop, show and follow the daemon" },
  { name: "config", alone: "show", summary: "Show the configuration" },
];

/** The words that may come first on a command line. */
export const commandWords: readonly string[] = [...new Set(commands.map(({ path }) => path[0] ?? ""))];
