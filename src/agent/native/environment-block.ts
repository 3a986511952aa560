import { type as osType, release } from "node:os";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { GitState } from "./git-state.ts";

/** What a model should know of the mode: what will be asked and what is refused. */
export const modeText: Readonly<Record<PermissionMode, string>> = {
  ask: "ask (reading inside the project is free; the user is asked before a file is changed or a command runs)",
  accept_edits:
    "accept_edits (files of the project may be changed without asking; the user is asked before a command runs)",
  plan: "plan (nothing may be changed and no command may run: look into it, then answer with a plan)",
  yolo: "yolo (file changes and commands run without asking; be all the more careful)",
};

const indent = (lines: readonly string[]): string => lines.map((line) => `  ${line}`).join("\n");

/** The state of things when the conversation began, as the model is told it. Pure but for the kind of machine. */
export function environmentBlock(facts: {
  root: string;
  shell: string;
  mode: PermissionMode;
  date: string;
  git: GitState | undefined;
}): string {
  const { root, shell, mode, date, git } = facts;
  const lines = [
    `OS: ${osType()} ${release()}`,
    `Shell: ${shell}`,
    `Project root and working directory: ${root}`,
    `Date: ${date}`,
    `Permission mode: ${modeText[mode]}`,
  ];
  if (git === undefined) lines.push("Git: not a repository");
  else {
    lines.push(`Git branch: ${git.branch}`);
    const more = git.more > 0 ? [`… and ${git.more} more`] : [];
    if (git.status.length === 0) lines.push("Git status: clean");
    else lines.push("Git status:", indent([...git.status, ...more]));
    if (git.commits.length > 0) lines.push("Last commits:", indent(git.commits));
  }
  return `<environment note="as it was when this conversation began">\n${lines.join("\n")}\n</environment>`;
}
