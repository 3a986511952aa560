import { allWaiting, hunks, json, ofSession, resolve, undoOptions } from "../options.ts";
import { type CommandSpec, optional, rest } from "../spec.ts";

export const changeCommands: readonly CommandSpec[] = [
  {
    path: ["undo"],
    summary: "Take a session's last turn back",
    arguments: [optional("files|conversation", "Only the one or the other")],
    options: [...undoOptions, json],
    examples: ["hearth undo --dry-run", "hearth undo files"],
  },
  {
    path: ["redo"],
    summary: "Bring back what undo took back",
    arguments: [optional("files|conversation", "Only the one or the other")],
    options: [...undoOptions, json],
    examples: ["hearth redo"],
  },
  {
    path: ["changes", "list"],
    summary: "List what agents changed in worktrees and waits for you",
    arguments: [],
    options: [ofSession, { name: "all", short: "a", help: "Also what was decided" }, json],
    examples: ["hearth changes list", "hearth changes list --json | jq -r '.[].path'"],
  },
  {
    path: ["changes", "show"],
    summary: "Print changes as patches, with the ids of their hunks",
    arguments: [rest("file|id", "Paths or ids of changes; all that wait by default")],
    options: [ofSession, json],
    examples: ["hearth changes show", "hearth changes show src/cart.ts"],
  },
  {
    path: ["changes", "apply"],
    summary: "Merge changes into your files: all that are named, or none",
    arguments: [rest("file|id", "Paths or ids of changes")],
    options: [allWaiting, hunks, resolve, ofSession, json],
    examples: ["hearth changes apply --all", "hearth changes apply src/cart.ts --hunks 1f2e3d4c5b6a7988"],
    notes: ["Exits with 1 on a conflict; nothing is written then."],
  },
  {
    path: ["changes", "reject"],
    summary: "Take changes out of the session's worktree",
    arguments: [rest("file|id", "Paths or ids of changes")],
    options: [allWaiting, hunks, ofSession, json],
    examples: ["hearth changes reject src/cart.ts"],
  },
  {
    path: ["changes", "revert"],
    summary: "Take applied changes out of your files again",
    arguments: [rest("file|id", "Paths or ids of changes")],
    options: [{ name: "all", short: "a", help: "All that were applied" }, hunks, resolve, ofSession, json],
    examples: ["hearth changes revert src/cart.ts"],
    notes: [
      "Exits with 1 where lines were changed since; nothing is written then. `--resolve theirs` goes back to the lines from before the change, `ours` keeps yours.",
    ],
  },
  {
    path: ["changes", "export"],
    summary: "Print what waits as one patch for git apply",
    arguments: [],
    options: [ofSession, json],
    examples: ["hearth changes export > work.patch"],
  },
  {
    path: ["changes", "branch"],
    summary: "Commit a session's worktree to its branch, to check out, merge or push",
    arguments: [],
    options: [ofSession, { name: "message", short: "m", value: "TEXT", help: "The commit's message" }, json],
    examples: ["hearth changes branch", "git merge $(hearth changes branch --json | jq -r .branch)"],
  },
];
