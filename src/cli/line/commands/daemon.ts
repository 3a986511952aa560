import { json } from "../options.ts";
import { type CommandSpec, required, rest } from "../spec.ts";

export const daemonCommands: readonly CommandSpec[] = [
  {
    path: ["daemon", "status"],
    summary: "Show whether the daemon runs (exit code 5 if not)",
    arguments: [],
    options: [json],
    examples: ["hearth daemon status", "hearth daemon status --json | jq .pid"],
  },
  {
    path: ["daemon", "start"],
    summary: "Start the daemon if none runs, and print where it listens",
    arguments: [],
    options: [json],
    examples: ["hearth daemon start", "ssh HOST hearth daemon start --json"],
  },
  {
    path: ["daemon", "stop"],
    summary: "Stop the daemon; active runs are interrupted, queued prompts kept",
    arguments: [],
    options: [
      { name: "if-idle", help: "Only if nothing is running" },
      { name: "force", help: "Kill a daemon that does not answer" },
      json,
    ],
    examples: ["hearth daemon stop", "hearth daemon stop --if-idle"],
  },
  {
    path: ["daemon", "restart"],
    summary: "Restart the daemon",
    arguments: [],
    options: [
      { name: "if-idle", help: "Only if nothing is running" },
      { name: "force", help: "Kill one that does not answer" },
      json,
    ],
    examples: ["hearth daemon restart"],
  },
  {
    path: ["daemon", "logs"],
    summary: "Print the end of the daemon's log",
    arguments: [],
    options: [
      { name: "follow", short: "f", help: "Keep printing new lines" },
      { name: "lines", short: "n", value: "N", help: "Number of lines (100)" },
    ],
    examples: ["hearth daemon logs -n 20", "hearth daemon logs -f"],
  },
  {
    path: ["serve"],
    summary: "Run the daemon in the foreground",
    arguments: [],
    options: [
      {
        name: "listen",
        value: "HOST:PORT",
        help: "Serve over TCP as well, to who has the token in run/token",
      },
      { name: "insecure-listen", help: "Also where other machines can reach it, unencrypted" },
      { name: "disposable", help: "Allow everything, and end when stdin closes" },
    ],
    examples: ["hearth serve", "hearth serve --listen 127.0.0.1:4096"],
  },
  {
    path: ["config", "show"],
    summary: "Print the effective configuration and its sources",
    arguments: [],
    options: [json],
    examples: ["hearth config show"],
  },
  {
    path: ["config", "path"],
    summary: "Print the path of your configuration file",
    arguments: [],
    options: [{ name: "project", help: "The project's file instead" }, json],
    examples: ['$EDITOR "$(hearth config path)"'],
  },
  {
    path: ["config", "schema"],
    summary: "Print the JSON Schema of hearth.jsonc",
    arguments: [],
    options: [],
    examples: ["hearth config schema > hearth.schema.json"],
  },
  {
    path: ["doctor"],
    summary: "Check installation and configuration",
    arguments: [],
    options: [json],
    examples: ["hearth doctor"],
  },
  {
    path: ["completion"],
    summary: "Print a shell's completion script",
    arguments: [required("bash|zsh|fish", "The shell"), rest("words", "")],
    options: [],
    examples: ["hearth completion bash > ~/.local/share/bash-completion/completions/hearth"],
  },
];
