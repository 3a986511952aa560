import { endsOf } from "../protocol/cut-text.ts";
import type { ToolCallPart, ToolCallStatus, ToolKind } from "../protocol/message.ts";
import type { PermissionDetail } from "../protocol/permission.ts";
import { absolute, type ShownDiff, shownDiffs } from "./shown-diff.ts";

/** An editor gets the whole output again with each piece of it, so a long one is cut in the middle. */
const OUTPUT_CHARS_MAX = 16_000;

export type Location = { path: string; line?: number };
/** What is shown below a call's title. */
export type CallContent = { text: string } | { diff: ShownDiff };

/** What the protocol has to say of a call, in its own words. */
export type CallFields = {
  title: string;
  name: string;
  kind: ToolKind;
  status: "pending" | "in_progress" | "completed" | "failed" | "cancelled";
  content: readonly CallContent[];
  locations: readonly Location[];
  rawInput: unknown;
};

const statuses: { readonly [S in ToolCallStatus]: CallFields["status"] } = {
  pending: "pending",
  running: "in_progress",
  completed: "completed",
  failed: "failed",
  denied: "failed",
  canceled: "cancelled",
  interrupted: "failed",
};

export function callFields(call: ToolCallPart, root: string): CallFields {
  const shown = diffsOf(call, root);
  return {
    title: call.title === "" ? call.name : call.title,
    name: call.name,
    kind: kindOf(call, shown.diffs),
    status: statuses[call.status],
    content: contentOf(call, shown),
    locations: locationsOf(call, shown.diffs, root),
    rawInput: call.input,
  };
}

/** A call that only deletes or moves says so. */
function kindOf({ kind }: ToolCallPart, diffs: readonly ShownDiff[]): ToolKind {
  if (kind !== "edit" || diffs.length === 0) return kind;
  if (diffs.every((diff) => diff.kind === "deleted")) return "delete";
  return diffs.every((diff) => diff.kind === "renamed") ? "move" : kind;
}

/** The fields that differ; all of them without a `before`. */
export function changedFields(before: CallFields | undefined, now: CallFields): Partial<CallFields> {
  if (before === undefined) return now;
  const changed = Object.entries(now).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(before[name as keyof CallFields]),
  );
  return Object.fromEntries(changed);
}

/** What a question is about, below its title. */
export function questionContent(detail: PermissionDetail, root: string): CallContent[] {
  switch (detail.type) {
    case "command":
      return [{ text: fenced(detail.command, "sh") }, ...reasons(detail.reasons)];
    case "edit":
      return [...editContent(detail, root), ...reasons(detail.reasons)];
    case "text":
    case "plan":
      return [{ text: detail.text }, ...reasons(detail.reasons)];
    case "question":
      return [{ text: detail.question }];
  }
}

const reasons = (list: readonly string[]): CallContent[] =>
  list.length === 0 ? [] : [{ text: `Asked because: ${list.join(", ")}` }];

function editContent(
  { path, unified, file }: Extract<PermissionDetail, { type: "edit" }>,
  root: string,
): CallContent[] {
  const told = { path: file?.path ?? path, unified, ...(file !== undefined && { files: [file] }) };
  return diffContent(shownDiffs(told, root));
}

type Shown = ReturnType<typeof shownDiffs>;

function diffsOf({ view }: ToolCallPart, root: string): Shown {
  if (view?.kind !== "diff") return { diffs: [], isCut: false };
  const { path, more_paths, files, unified } = view;
  const told = { path, unified, ...(more_paths && { morePaths: more_paths }), ...(files && { files }) };
  return shownDiffs(told, root);
}

/** An editor must not take a part for the whole. */
const CUT_NOTE = "The diff is too long to be shown whole: not all changes are listed here.";

const diffContent = ({ diffs, isCut }: Shown): CallContent[] => [
  ...diffs.map((diff) => ({ diff })),
  ...(isCut ? [{ text: CUT_NOTE }] : []),
];

function contentOf({ kind, output, status }: ToolCallPart, shown: Shown): CallContent[] {
  const diffs = diffContent(shown);
  if (output.trim() === "" || (diffs.length > 0 && status === "completed")) return diffs;
  const text = endsOf(output, OUTPUT_CHARS_MAX, (left) => `\n[… ${left} characters left out …]\n`);
  return [...diffs, { text: isProse(kind) ? text : fenced(text) }];
}

/** Reports of sub-agents and answers of tools are Markdown; files, matches and what commands print are not. */
const isProse = (kind: ToolKind): boolean => kind === "other" || kind === "think" || kind === "edit";

/** The text as a code block, with a fence that is longer than any in it. */
function fenced(text: string, language = ""): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return `${fence}${language}\n${text}${text.endsWith("\n") ? "" : "\n"}${fence}`;
}

function locationsOf({ view, input }: ToolCallPart, diffs: readonly ShownDiff[], root: string): Location[] {
  if (diffs.length > 0)
    return diffs.flatMap(({ path, pieces }) =>
      pieces.length === 0 ? [{ path }] : pieces.map(({ line }) => ({ path, line })),
    );
  if (view?.kind === "file" || view?.kind === "diff") return [{ path: absolute(view.path, root) }];
  const { path, file_path, offset } = Object(input) as Record<string, unknown>;
  const named = [path, file_path].find((value) => typeof value === "string" && value !== "");
  if (typeof named !== "string") return [];
  const line = typeof offset === "number" && Number.isInteger(offset) && offset > 0 ? { line: offset } : {};
  return [{ path: absolute(named, root), ...line }];
}
