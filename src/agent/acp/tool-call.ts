import { isAbsolute, relative, resolve } from "node:path";
import { endsOf, startOf } from "../../protocol/cut-text.ts";
import { type ToolCallStatus, ToolKind, type ToolView } from "../../protocol/message.ts";
import { diffTexts, shortDiff } from "../tools/unified-diff.ts";
import { at, isWire, numberOf, textOf, type Wire, wireOf, wiresOf } from "./wire.ts";

/** A tool call as its agent has told it so far, piece by piece. */
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
  /** Milliseconds; when it was first heard of. */
  readonly since: number;
  /** Of a command, where the agent tells it apart. */
  readonly exitCode: number | null | undefined;
};

/** As hearth shows it. */
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
const DIFF_CHARS_MAX = 64 * 1024;
/** Comparing two texts costs the event loop's time; larger ones are shown without their diff. */
const DIFFED_CHARS_MAX = 1024 * 1024;

/** Lays what an update says over what was known. */
export function mergeCall(known: TrackedCall | undefined, id: string, said: Wire, now: number): TrackedCall {
  const meta = wireOf(said["_meta"]);
  const name =
    textOf(at(meta, "goose", "toolCall", "toolName")) ??
    textOf(at(meta, "claudeCode", "toolName")) ??
    textOf(meta["toolName"]) ??
    textOf(said["name"]);
  const kind = ToolKind.safeParse(said["kind"]);
  const locations = wiresOf(said["locations"]).flatMap(({ path }) => textOf(path) ?? []);
  const exit = at(meta, "terminal_exit", "exit_code");
  return {
    id,
    name: name ?? known?.name,
    // "other" says nothing; goose says it of every call that it asks permission for.
    kind: kind.success && (kind.data !== "other" || known?.kind === undefined) ? kind.data : known?.kind,
    title: textOf(said["title"]) ?? known?.title,
    status: statusOf(said["status"]) ?? known?.status ?? "pending",
    rawInput: isSaid(said["rawInput"]) ? said["rawInput"] : known?.rawInput,
    rawOutput: said["rawOutput"] ?? known?.rawOutput,
    content: Array.isArray(said["content"]) ? wiresOf(said["content"]) : (known?.content ?? []),
    locations: locations.length > 0 ? locations : (known?.locations ?? []),
    since: known?.since ?? now,
    exitCode: exit === undefined ? known?.exitCode : (numberOf(exit) ?? null),
  };
}

/** An empty object is a call whose arguments are still being written. */
const isSaid = (input: unknown): boolean =>
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

/** What agents call the tools whose kind they do not tell. */
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
 * gemini tells no arguments and no exit code: the id of a call begins with its tool's name, a command's title is its
 * whole line, and where it runs is told in words.
 */
const isGeminiCommand = ({ id, rawInput }: TrackedCall): boolean =>
  rawInput === undefined && /^run_shell_command(__|-)/.test(id);

/** The shell line that a call means to run. */
export function commandOf(call: TrackedCall): string | undefined {
  if (isGeminiCommand(call)) return call.title;
  const { command, cmd } = wireOf(call.rawInput);
  const words = command ?? cmd;
  if (Array.isArray(words)) {
    const argv = words.filter((word) => typeof word === "string");
    // ["bash", "-lc", "the line"] is a line, whatever runs it.
    const line = argv.length === 3 && /^-\w*c$/.test(argv[1] ?? "") ? argv[2] : argv.map(quoted).join(" ");
    return line === "" ? undefined : line;
  }
  return textOf(words);
}

/** Where that line is meant to run. */
export function folderOf(call: TrackedCall, root: string): string {
  const told = isGeminiCommand(call) ? contentText(call.content[0]?.["content"]) : "";
  const folder = /^\[in (.+?)\]/.exec(told)?.[1] ?? field(call.rawInput, "cwd", "workdir", "directory");
  return folder === undefined ? root : resolve(root, folder);
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** Every file that a call means to touch, as its agent names them, told once each. */
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
  // A command's location is its folder.
  return [...new Set(kindOf(call) === "execute" ? [] : [...first, ...call.locations])];
}

/** `root`: what paths are shown relative to. */
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

/** Alike for every agent: a command by its line, a file by its path, anything else in the agent's words. */
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

/** What it answered, without the wrapping that each agent has of its own. */
function outputOf(call: TrackedCall): string | undefined {
  const raw = call.rawOutput;
  const told = textOf(raw) ?? field(raw, "output", "text", "stdout");
  const shown = call.content.flatMap((item) =>
    item["type"] === "content" ? contentText(item["content"]) : [],
  );
  const text =
    told !== undefined && told !== "" ? told : shown.length > 0 ? shown.join("\n") : field(raw, "error");
  if (text === undefined) return undefined;
  return endsOf(text, OUTPUT_CHARS_MAX, (left) => `\n[… ${left} characters left out …]\n`);
}

/** A block of content as text: what is no text is told by its name. */
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
  const diff = call.content.find((item) => item["type"] === "diff");
  const change = diff && diffOf(diff);
  if (change !== undefined)
    return { kind: "diff", ...shortDiff(change, DIFF_CHARS_MAX), path: shownPath(change.path, root) };
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

export type NamedDiff = { path: string; unified: string; additions: number; deletions: number };

export function diffOf(item: Wire): NamedDiff | undefined {
  const path = textOf(item["path"]);
  const made = textOf(item["newText"]);
  const old = textOf(item["oldText"]) ?? "";
  if (path === undefined || made === undefined) return undefined;
  if (made.length + old.length > DIFFED_CHARS_MAX) return undefined;
  return { path, ...diffTexts(old, made) };
}

function exitCodeOf(call: TrackedCall): number | null {
  const { rawOutput } = call;
  const told =
    call.exitCode ??
    at(rawOutput, "exitCode") ??
    at(rawOutput, "exit_code") ??
    at(rawOutput, "metadata", "exit");
  if (numberOf(told) !== undefined) return numberOf(told) ?? null;
  const written = /^Exit code (\d+)\b/.exec(textOf(rawOutput) ?? "")?.[1];
  if (written !== undefined) return Number(written);
  return call.status === "completed" && !isGeminiCommand(call) ? 0 : null;
}
