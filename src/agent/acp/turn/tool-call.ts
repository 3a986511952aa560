import { isAbsolute, relative, resolve } from "node:path";
import { endsOf, startOf } from "../../../protocol/cut-text.ts";
import { type ToolCallStatus, ToolKind, type ToolView } from "../../../protocol/message.ts";
import { at, isWire, numberOf, textOf, type Wire, wireOf, wiresOf } from "../wire.ts";
import { diffViewOf } from "./diff-view.ts";

/** A tool call, merged from the agent's updates so far. */
export type TrackedCall = {
  readonly id: string;
  readonly name: string | undefined;
  readonly kind: ToolKind | undefined;
  readonly title: string | undefined;
  readonly status: "pending" | "running" | "completed" | "failed";
  readonly rawInput: unknown;
  readonly rawOutput: unknown;
  readonly content: readonly Wire[];
  readonly locations: readonly string[];
  /** Milliseconds; when it was first reported. */
  readonly since: number;
  /** A command's exit code, if the agent reports it separately. */
  readonly exitCode: number | null | undefined;
};

/** The call as hearth shows it. */
export type ShownCall = {
  name: string;
  kind: ToolKind;
  title: string;
  input: unknown;
  status: Extract<ToolCallStatus, "pending" | "running" | "completed" | "failed">;
  output: string | undefined;
  view: ToolView | undefined;
};

const OUTPUT_CHARS_MAX = 64 * 1024;
const INPUT_CHARS_MAX = 256 * 1024;
const TITLE_CHARS_MAX = 300;

/** Merges an update into what is known of a call. */
export function mergeCall(
  known: TrackedCall | undefined,
  id: string,
  update: Wire,
  now: number,
): TrackedCall {
  const meta = wireOf(update["_meta"]);
  const name =
    textOf(at(meta, "goose", "toolCall", "toolName")) ??
    textOf(at(meta, "claudeCode", "toolName")) ??
    textOf(meta["toolName"]) ??
    textOf(update["name"]);
  const kind = ToolKind.safeParse(update["kind"]);
  const locations = wiresOf(update["locations"]).flatMap(({ path }) => textOf(path) ?? []);
  const exit = at(meta, "terminal_exit", "exit_code");
  return {
    id,
    name: name ?? known?.name,
    // "other" carries no information: goose sends it with every permission question.
    kind: kind.success && (kind.data !== "other" || known?.kind === undefined) ? kind.data : known?.kind,
    title: textOf(update["title"]) ?? known?.title,
    status: statusOf(update["status"]) ?? known?.status ?? "pending",
    rawInput: hasArguments(update["rawInput"]) ? update["rawInput"] : known?.rawInput,
    rawOutput: update["rawOutput"] ?? known?.rawOutput,
    content: Array.isArray(update["content"]) ? wiresOf(update["content"]) : (known?.content ?? []),
    locations: locations.length > 0 ? locations : (known?.locations ?? []),
    since: known?.since ?? now,
    exitCode: exit === undefined ? known?.exitCode : (numberOf(exit) ?? null),
  };
}

/** An empty object means that the arguments are still being generated. */
const hasArguments = (input: unknown): boolean =>
  input !== undefined && input !== null && !(isWire(input) && Object.keys(input).length === 0);

function statusOf(status: unknown): TrackedCall["status"] | undefined {
  switch (status) {
    case "pending":
    case "completed":
    case "failed":
      return status;
    case "in_progress":
      return "running";
    default:
      return undefined;
  }
}

export const isFinal = (call: TrackedCall): boolean =>
  call.status === "completed" || call.status === "failed";

/** Tool names, for agents that do not report a kind. */
const kindsByName: readonly [RegExp, ToolKind][] = [
  [/^(shell|bash|run_?shell_?command|exec_?command|run_?command|execute|terminal)$/, "execute"],
  [
    /^(write|write_?file|create_?file|edit|edit_?file|str_?replace|replace|apply_?patch|multi_?edit)$/,
    "edit",
  ],
  [/^(read|read_?file|view|cat|ls|list|tree|list_?directory|read_?many_?files)$/, "read"],
  [/^(grep|grep_?search|glob|search|find|search_?files|analyze)$/, "search"],
  [/^(fetch|web_?fetch|fetch_?url|web_?search)$/, "fetch"],
];

const plainName = (call: TrackedCall): string | undefined => call.name?.split("__").at(-1)?.toLowerCase();

export function kindOf(call: TrackedCall): ToolKind {
  if (call.kind !== undefined && call.kind !== "other") return call.kind;
  const name = plainName(call) ?? call.title?.split(/[\s·:(]/)[0]?.toLowerCase();
  return (
    kindsByName.find(([pattern]) => name !== undefined && pattern.test(name))?.[1] ?? call.kind ?? "other"
  );
}

const field = (input: unknown, ...names: string[]): string | undefined =>
  names.map((name) => textOf(wireOf(input)[name])).find((value) => value !== undefined && value !== "");

/**
 * gemini sends no arguments and no exit code. The call's id begins with the tool's name, a command's title is its whole
 * line, and its folder is given in the text.
 */
const isGeminiCommand = ({ id, rawInput }: TrackedCall): boolean =>
  rawInput === undefined && /^run_shell_command(__|-)/.test(id);

/** The shell command of a call. */
export function commandOf(call: TrackedCall): string | undefined {
  if (isGeminiCommand(call)) return call.title;
  const { command, cmd } = wireOf(call.rawInput);
  const words = command ?? cmd;
  if (Array.isArray(words)) {
    const argv = words.filter((word) => typeof word === "string");
    // ["bash", "-lc", "the line"]: the shell itself does not matter.
    const line = argv.length === 3 && /^-\w*c$/.test(argv[1] ?? "") ? argv[2] : argv.map(quoted).join(" ");
    return line === "" ? undefined : line;
  }
  return textOf(words);
}

/** The folder that the command runs in. */
export function folderOf(call: TrackedCall, root: string): string {
  const reported = isGeminiCommand(call) ? contentText(call.content[0]?.["content"]) : "";
  const folder = /^\[in (.+?)\]/.exec(reported)?.[1] ?? field(call.rawInput, "cwd", "workdir", "directory");
  return folder === undefined ? root : resolve(root, folder);
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** The paths of all files that a call touches, as the agent writes them, without duplicates. */
export function pathsOf(call: TrackedCall): string[] {
  const diffs = call.content.flatMap((item) => (item["type"] === "diff" ? (textOf(item["path"]) ?? []) : []));
  const named = field(
    call.rawInput,
    "file_path",
    "filePath",
    "path",
    "filename",
    "absolute_path",
    "notebook_path",
  );
  const first = diffs.length > 0 ? diffs : named === undefined ? [] : [named];
  // The location of a command is its folder, not a file.
  return [...new Set(kindOf(call) === "execute" ? [] : [...first, ...call.locations])];
}

/** Paths are shown relative to `root`. */
export function shownCall(call: TrackedCall, root: string, now: number): ShownCall {
  const kind = kindOf(call);
  const status = call.status;
  return {
    name: call.name ?? (kind === "execute" ? "shell" : kind),
    kind,
    title: titleOf(call, root),
    input: boundedInput(call.rawInput),
    status,
    output: isFinal(call) || call.content.length > 0 ? outputOf(call) : undefined,
    view: viewOf(call, root, now),
  };
}

/** The same for every agent: a command's line, a file's path, else the agent's own title. */
export function titleOf(call: TrackedCall, root: string): string {
  const kind = kindOf(call);
  const command = kind === "execute" ? commandOf(call) : undefined;
  const isFile = kind === "edit" || kind === "read" || kind === "delete";
  const paths = isFile ? pathsOf(call).map((path) => shownPath(path, root)) : [];
  const own = call.title?.trim();
  const title = command ?? (paths.length > 0 ? paths.join(", ") : undefined) ?? (own || undefined);
  return startOf(title ?? call.name ?? kind, TITLE_CHARS_MAX);
}

export function shownPath(path: string, root: string): string {
  if (!isAbsolute(path)) return path;
  const inside = relative(root, path);
  return inside === "" ? "." : inside.startsWith("..") ? path : inside;
}

function boundedInput(input: unknown): unknown {
  if (input === undefined) return {};
  const text = JSON.stringify(input) ?? "null";
  if (text.length <= INPUT_CHARS_MAX) return input;
  return { shortened: `${startOf(text, INPUT_CHARS_MAX)}… (${text.length} characters in all)` };
}

/** The call's output, without agent-specific wrapping. */
function outputOf(call: TrackedCall): string | undefined {
  const raw = call.rawOutput;
  const reported = textOf(raw) ?? field(raw, "output", "text", "stdout");
  const shown = call.content.flatMap((item) =>
    item["type"] === "content" ? contentText(item["content"]) : [],
  );
  const text =
    reported !== undefined && reported !== ""
      ? reported
      : shown.length > 0
        ? shown.join("\n")
        : field(raw, "error");
  if (text === undefined) return undefined;
  return endsOf(text, OUTPUT_CHARS_MAX, (left) => `\n[… ${left} characters left out …]\n`);
}

/** A content block as text; anything but text becomes its type or address. */
export function contentText(content: unknown): string {
  const block = wireOf(content);
  switch (block["type"]) {
    case "text":
      return textOf(block["text"]) ?? "";
    case "resource_link":
      return textOf(block["uri"]) ?? "";
    case "resource":
      return textOf(at(block, "resource", "text")) ?? textOf(at(block, "resource", "uri")) ?? "";
    case "image":
    case "audio":
      return `[${block["type"]}]`;
    default:
      return "";
  }
}

function viewOf(call: TrackedCall, root: string, now: number): ToolView | undefined {
  const diffs = call.content.filter((item) => item["type"] === "diff");
  const changes = diffViewOf(diffs, kindOf(call) === "delete", (path) => shownPath(path, root));
  if (changes !== undefined) return changes;
  const command = kindOf(call) === "execute" && isFinal(call) ? commandOf(call) : undefined;
  if (command === undefined) return undefined;
  return {
    kind: "command",
    command,
    exit_code: exitCodeOf(call),
    duration_ms: Math.max(0, Math.round(now - call.since)),
    truncated:
      at(call.rawOutput, "truncated") === true || at(call.rawOutput, "metadata", "truncated") === true,
  };
}

function exitCodeOf(call: TrackedCall): number | null {
  const { rawOutput } = call;
  const reported =
    call.exitCode ??
    at(rawOutput, "exitCode") ??
    at(rawOutput, "exit_code") ??
    at(rawOutput, "metadata", "exit");
  if (numberOf(reported) !== undefined) return numberOf(reported) ?? null;
  const written = /^Exit code (\d+)\b/.exec(textOf(rawOutput) ?? "")?.[1];
  if (written !== undefined) return Number(written);
  return call.status === "completed" && !isGeminiCommand(call) ? 0 : null;
}
