import { permissionModes } from "../../../protocol/choices.ts";
import { json } from "../options.ts";
import { type CommandSpec, required, rest } from "../spec.ts";

export const protocolCommands: readonly CommandSpec[] = [
  {
    path: ["mcp", "list"],
    summary: "List the MCP servers of this directory and their state",
    arguments: [],
    options: [json],
    examples: ["hearth mcp list"],
  },
  {
    path: ["mcp", "add"],
    summary: "Add an MCP server to your configuration",
    arguments: [
      required("name", "The server's name"),
      rest("url|command", "Its address, or after -- its command"),
    ],
    options: [
      { name: "env", value: "NAME=VALUE,…", help: "Variables of its environment" },
      { name: "project", help: "Add it to the project's .hearth/hearth.jsonc" },
    ],
    examples: [
      "hearth mcp add files -- npx -y @modelcontextprotocol/server-filesystem .",
      "hearth mcp add docs https://docs.example.com/mcp",
    ],
  },
  {
    path: ["mcp", "remove"],
    summary: "Remove an MCP server from your configuration",
    arguments: [required("name", "The server's name")],
    options: [{ name: "project", help: "Remove it from the project's .hearth/hearth.jsonc" }],
    examples: ["hearth mcp remove files"],
  },
  {
    path: ["mcp", "test"],
    summary: "Start MCP servers and say what they offer",
    arguments: [rest("name", "The servers; all without one")],
    options: [json],
    examples: ["hearth mcp test files"],
  },
  {
    path: ["mcp", "login"],
    summary: "Log in at an MCP server that asks for it",
    arguments: [required("name", "The server")],
    options: [
      { name: "device", help: "With a browser on another machine, where the server offers that" },
      { name: "no-browser", help: "Only print the address" },
    ],
    examples: ["hearth mcp login docs"],
  },
  {
    path: ["mcp", "logout"],
    summary: "Forget the login at an MCP server",
    arguments: [required("name", "The server")],
    options: [],
    examples: ["hearth mcp logout docs"],
  },
  {
    path: ["mcp", "serve"],
    summary: "Serve tasks and sessions as MCP tools on stdin and stdout",
    arguments: [],
    options: [
      {
        name: "permission-mode",
        value: "MODE",
        choices: permissionModes,
        help: "The mode of its prompts: ask, accept_edits, plan or yolo; your own setting by default",
      },
      { name: "agent-may-allow", help: "The client's agent may allow what hearth asks, once each" },
    ],
    notes: [
      "For the configuration of an MCP client, so that its agent can delegate to agents of hearth and compare them. It works in the directory that it is started in and ends with its input; what it has started goes on.",
      "Questions go to the person: as a dialog of the client where it can show one, else in a terminal. Without --agent-may-allow the client's agent can only deny, and answer questions about the work.",
    ],
    examples: [
      "claude mcp add hearth -- hearth mcp serve",
      "hearth mcp serve --permission-mode accept_edits",
    ],
  },
  {
    path: ["acp"],
    summary: "Work in your editor (ACP)",
    arguments: [{ name: "setup", isRequired: false, isRest: false, help: "As hearth setup" }],
    options: [],
    notes: [
      "The editor starts it; docs/editors.md says how in Zed, JetBrains, Neovim and Emacs. Sessions are the daemon's: one begun in a terminal goes on in the editor and the other way round, and work goes on when the editor closes.",
    ],
    examples: ["hearth acp"],
  },
];
