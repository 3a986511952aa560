import { isolations, permissionModes } from "../../protocol/choices.ts";
import type { OptionSpec } from "./spec.ts";

export const json: OptionSpec = { name: "json", help: "Print JSON" };
export const agent: OptionSpec = {
  name: "agent",
  value: "NAME",
  offers: "agents",
  help: "Use this agent, of `hearth agents list`",
};
export const model: OptionSpec = {
  name: "model",
  value: "PROVIDER/MODEL",
  offers: "models",
  help: "Use this model",
};
export const effort: OptionSpec = {
  name: "effort",
  value: "LEVEL",
  help: "How hard it thinks",
};
export const registry: OptionSpec = {
  name: "registry",
  value: "URL",
  help: "Another registry; https, or http on this machine",
};
export const yes: OptionSpec = { name: "yes", short: "y", help: "Do not ask" };
export const undoOptions: readonly OptionSpec[] = [
  { name: "dry-run", short: "n", help: "Only say what would change" },
  {
    name: "session",
    short: "s",
    value: "ID",
    help: "This session; by default the last used here",
    offers: "sessions",
  },
];
export const ofSession: OptionSpec = {
  name: "session",
  value: "ID",
  offers: "sessions",
  help: "Only of this session",
};
export const session: OptionSpec = {
  name: "session",
  short: "s",
  value: "ID",
  offers: "sessions",
  help: "Continue this session",
};
export const goOn: OptionSpec = {
  name: "continue",
  short: "c",
  help: "Continue the last session of this directory",
};
export const isolation: OptionSpec = {
  name: "isolation",
  value: "WHERE",
  choices: isolations,
  help: "Where edits go: in_place, or a git worktree",
};
export const inContainer: OptionSpec = {
  name: "in",
  value: "IMAGE",
  help: "Run commands in a container: image or devcontainer",
};
export const allWaiting: OptionSpec = { name: "all", short: "a", help: "All that wait" };
export const hunks: OptionSpec = { name: "hunks", value: "ID,…", help: "Only these hunks of the one file" };
export const resolve: OptionSpec = {
  name: "resolve",
  value: "SIDE",
  choices: ["theirs", "ours"],
  help: "Where both sides changed the same lines",
};
export const exportFormats = ["json", "markdown", "html", "atif"] as const;
export const importKinds = ["hearth", "claude", "codex", "opencode", "gemini"] as const;
export const exportFormatHelp = "json (the default), markdown, html or atif";
export const formats = ["text", "json", "stream-json"] as const;
export const permissionPolicies = [...permissionModes, "deny"] as const;

export const screenReader: OptionSpec = { name: "screen-reader", help: "Screen-reader mode" };
export const noAnimations: OptionSpec = { name: "no-animations", help: "No moving clocks or counters" };

export const sendKeys: OptionSpec = {
  name: "send-keys",
  help: "Use your provider keys there, too",
};
export const remoteOptions: readonly OptionSpec[] = [
  { name: "remote", value: "HOST[:DIR]", help: "Work on another machine, over ssh" },
  sendKeys,
];

export const disposable: OptionSpec = {
  name: "disposable",
  help: "For containers and benchmarks: allow everything, keep nothing",
};

/** What `hearth arena` and `hearth task run` have in common. */
export const taskOptions: readonly OptionSpec[] = [
  { name: "check", value: "CMD", help: "Run this command on what each agent has done" },
  {
    name: "isolation",
    value: "WHERE",
    choices: isolations,
    help: "Where edits go: worktree (one each, the default) or in_place",
  },
  {
    name: "permission-mode",
    value: "MODE",
    choices: permissionPolicies,
    help: "ask, accept_edits, plan, yolo or deny",
  },
  { name: "max-parallel", value: "N", help: "At most so many agents side by side" },
  { name: "max-steps", value: "N", help: "Maximum number of model answers of each agent" },
  { name: "max-cost", value: "USD", help: "What each agent may cost" },
  { name: "timeout", value: "SECONDS", help: "Cancel what has not ended after this many seconds" },
];
