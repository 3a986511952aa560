import type { ToolKind, ToolView } from "../../protocol/message.ts";
import type { ToolPart } from "./wire.ts";

const kinds: Readonly<Record<string, ToolKind>> = {
  read: "read",
  write: "edit",
  edit: "edit",
  multiedit: "edit",
  patch: "edit",
  apply_patch: "edit",
  bash: "execute",
  glob: "search",
  grep: "search",
  list: "search",
  codesearch: "search",
  websearch: "fetch",
  webfetch: "fetch",
  todowrite: "think",
  todoread: "think",
  task: "think",
};

export const kindOfTool = (tool: string): ToolKind =>
  (Object.hasOwn(kinds, tool) ? kinds[tool] : undefined) ?? "other";

export const textOf = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;

/** One line that says what the call does, also before opencode sends a title. */
export function titleOfTool({ tool, state }: Pick<ToolPart, "tool" | "state">, root: string): string {
  const { input } = state;
  const path = textOf(input["filePath"]);
  const about =
    textOf(input["command"]) ??
    (path?.startsWith(`${root}/`) ? path.slice(root.length + 1) : path) ??
    textOf(input["pattern"]) ??
    textOf(input["url"]) ??
    textOf(input["description"]);
  if (about !== undefined) return about;
  return textOf(state.title) ?? tool;
}

/** opencode's diff without its file headers. */
export function withoutHeaders(diff: string): string {
  const lines = diff.split("\n");
  const first = lines.findIndex((line) => line.startsWith("@@"));
  return first === -1 ? "" : lines.slice(first).join("\n").replace(/\n+$/, "");
}

/** `proposed`: the diff from the permission question; not every tool repeats it in its result. */
export function viewOfTool(
  { tool, state }: ToolPart,
  proposed: string | undefined,
  root: string,
): ToolView | undefined {
  const { input, metadata = {}, time } = state;
  const kind = kindOfTool(tool);
  const diff = textOf(metadata["diff"]) ?? proposed;
  if (kind === "edit" && diff !== undefined) {
    const unified = withoutHeaders(diff);
    const count = (sign: string) => unified.split("\n").filter((line) => line.startsWith(sign)).length;
    const file = textOf(metadata["filepath"]) ?? textOf(input["filePath"]) ?? "";
    const path = file.startsWith(`${root}/`) ? file.slice(root.length + 1) : file;
    return { kind: "diff", path, unified, additions: count("+"), deletions: count("-") };
  }
  const command = textOf(input["command"]);
  if (kind === "execute" && command !== undefined) {
    const exit = metadata["exit"];
    return {
      kind: "command",
      command,
      exit_code: typeof exit === "number" && Number.isInteger(exit) ? exit : null,
      duration_ms: time?.end === undefined ? 0 : Math.max(0, Math.round(time.end - time.start)),
      truncated: metadata["truncated"] === true,
    };
  }
  return undefined;
}
