import { usageGroups } from "../../../protocol/choices.ts";
import { json, ofSession } from "../options.ts";
import { type CommandSpec, optional, required } from "../spec.ts";

export const oversightCommands: readonly CommandSpec[] = [
  {
    path: ["jobs", "list"],
    summary: "List background commands of this directory's sessions",
    arguments: [],
    options: [ofSession, json],
    examples: ["hearth jobs list", "hearth jobs list --json | jq -r '.[].command'"],
  },
  {
    path: ["jobs", "show"],
    summary: "Print what a background command has printed",
    arguments: [required("job", "The job, like job1")],
    options: [ofSession, json],
    examples: ["hearth jobs show job1"],
  },
  {
    path: ["jobs", "stop"],
    summary: "End a background command and what it started",
    arguments: [required("job", "The job, like job1")],
    options: [ofSession, json],
    examples: ["hearth jobs stop job1"],
  },
  {
    path: ["permissions", "list"],
    summary: "List what is allowed here without asking",
    arguments: [],
    options: [json],
    examples: ["hearth permissions list", "hearth permissions list --json | jq -r '.[].rule'"],
  },
  {
    path: ["permissions", "log"],
    summary: "List what was decided here, by a person or by rules",
    arguments: [],
    options: [{ name: "limit", value: "N", help: "At most so many (50)" }, json],
    examples: ["hearth permissions log", "hearth permissions log --limit 500 --json"],
  },
  {
    path: ["permissions", "revoke"],
    summary: "Revoke what was allowed",
    arguments: [optional("id|rule", "A number or a rule from the list")],
    options: [{ name: "all", short: "a", help: "Everything allowed in this directory" }, json],
    examples: ["hearth permissions revoke 3", "hearth permissions revoke 'bash(npm test *)'"],
  },
  {
    path: ["request"],
    summary: "Show what models were sent and answered",
    arguments: [optional("run", "A run's id, or the beginning of it (the last one here)")],
    options: [
      { name: "step", value: "N", help: "Request N of the run, whole" },
      { name: "diff", help: "What differs from the request before it" },
      json,
    ],
    examples: ["hearth request", "hearth request --step 2", "hearth request run_0123 --step 2 --diff"],
  },
  {
    path: ["usage"],
    summary: "Show tokens and cost",
    arguments: [],
    options: [
      { name: "by", value: "WHAT", choices: usageGroups, help: "day, session, agent or model (day)" },
      { name: "here", help: "This directory only" },
      json,
    ],
    examples: ["hearth usage", "hearth usage --by model --here"],
  },
];
