import { exportFormatHelp, exportFormats, importKinds, json } from "../options.ts";
import { type CommandSpec, optional, required, rest } from "../spec.ts";

export const sessionCommands: readonly CommandSpec[] = [
  {
    path: ["sessions", "list"],
    summary: "List this directory's sessions, the last used first",
    arguments: [],
    options: [
      { name: "limit", short: "n", value: "N", help: "Maximum number of sessions (50)" },
      { name: "query", short: "q", value: "TEXT", help: "Only titles with this text" },
      { name: "all", short: "a", help: "Include archived sessions" },
      json,
    ],
    examples: ["hearth sessions list", "hearth sessions list --json | jq -r '.[].id'"],
  },
  {
    path: ["sessions", "show"],
    summary: "Print a session's transcript",
    arguments: [{ ...required("id", "The session's id, or the beginning of it"), offers: "sessions" }],
    options: [json],
    examples: ["hearth sessions show ses_0123"],
  },
  {
    path: ["sessions", "search"],
    summary: "Find sessions of any directory by what was said in them",
    arguments: [rest("text", "The text, as it stands there; upper and lower case are the same")],
    options: [{ name: "limit", short: "n", value: "N", help: "Maximum number of sessions (20)" }, json],
    examples: ["hearth sessions search flaky test", "hearth sessions search 'ECONNRESET' --json"],
  },
  {
    path: ["sessions", "fork"],
    summary: "Copy a session to a new one, with the files as they were then if you wish",
    arguments: [
      {
        ...optional("id", "The session's id, or the beginning of it; default: the last used"),
        offers: "sessions",
      },
    ],
    options: [
      { name: "at", value: "MESSAGE", help: "The last message that is copied; default: all of them" },
      { name: "before", value: "MESSAGE", help: "Only what was before this message" },
      { name: "files", help: "Work in a worktree with the files as they were then; the ones here stay" },
      json,
    ],
    notes: [
      "MESSAGE is an id of `hearth sessions show ID --json`. --files needs a git repository, and a checkpoint of that turn; what is missing in the worktree is named.",
    ],
    examples: ["hearth sessions fork ses_0123", "hearth sessions fork ses_0123 --before msg_4567 --files"],
  },
  {
    path: ["sessions", "export"],
    summary: "Write a session as JSON, Markdown, HTML or ATIF",
    arguments: [
      {
        ...optional("id", "The session's id, or the beginning of it; default: the last used"),
        offers: "sessions",
      },
    ],
    options: [
      { name: "format", short: "f", value: "FORMAT", choices: exportFormats, help: exportFormatHelp },
      { name: "output", short: "o", value: "FILE", help: "Write to this file, not to standard output" },
      { name: "sanitize", help: "Leave out what looks like a key or a password" },
    ],
    notes: [
      "json is complete: `hearth sessions import` reads it, on this machine or another. html is one file that loads and runs nothing. atif is Harbor's trajectory format, version 1.7. Pictures are not looked into by --sanitize.",
    ],
    examples: [
      "hearth sessions export -o session.json",
      "hearth sessions export ses_0123 --format html --sanitize -o talk.html",
    ],
  },
  {
    path: ["sessions", "import"],
    summary: "Make a session of an exported file, or of another agent's",
    arguments: [required("file", "The file; `-` reads standard input")],
    options: [
      {
        name: "from",
        value: "KIND",
        choices: importKinds,
        help: "hearth, claude, codex, opencode or gemini; default: by what the file holds",
      },
      json,
    ],
    notes: [
      "Claude Code: ~/.claude/projects/*/*.jsonl. Codex: ~/.codex/sessions/*/*/*/rollout-*.jsonl. opencode: what `opencode export` prints, or ~/.local/share/opencode/opencode.db, with #ID for another session than this directory's last. Gemini CLI: ~/.gemini/tmp/*/chats/*.jsonl, or a checkpoint.",
      "The session goes on with any agent, in this machine's default mode: a file brings no permissions and no trust. All of it is imported, or nothing.",
    ],
    examples: [
      "hearth sessions import session.json",
      "ssh other hearth sessions export | hearth sessions import -",
    ],
  },
  {
    path: ["sessions", "delete"],
    summary: "Delete a session; cancels its run",
    arguments: [{ ...required("id", "The session's id, or the beginning of it"), offers: "sessions" }],
    options: [{ name: "force", help: "Even with changes that are not applied yet" }, json],
    examples: ["hearth sessions delete ses_0123"],
  },
];
