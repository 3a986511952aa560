import { VERSION } from "../../protocol/version.ts";
import { type CommandSpec, nameOf, type OptionSpec } from "./spec.ts";
import { bareCommand, commands, groups } from "./table.ts";

/** Longer lines are hard to read. */
const HELP_COLUMNS_MAX = 80;
/** The least width for an explanation beside its word. */
const BESIDE_COLUMNS_MIN = 24;
const BETWEEN = "\u0000";
const GAP = "  ";

const helpOption: OptionSpec = { name: "help", short: "h", help: "Show this help" };
const versionOption: OptionSpec = { name: "version", short: "V", help: "Show the version" };

/** The help of a command or of a group; of hearth as a whole for other words. */
export function helpText(words: readonly string[], width: number = HELP_COLUMNS_MAX): string {
  return fitted(wholeHelp(words), Math.min(width, HELP_COLUMNS_MAX));
}

function wholeHelp(words: readonly string[]): string {
  const command = commands.find(({ path }) => path.every((word, index) => words[index] === word));
  if (command !== undefined) return commandHelp(command);
  const group = groups.find(({ name }) => name === words[0]);
  return group === undefined ? overview() : groupHelp(group);
}

/** One group with many verbs must not take the room for all explanations. */
const VERBS_CHARS_MAX = 24;

function shortened(verbs: readonly string[]): string {
  const whole = verbs.join("|");
  if (whole.length <= VERBS_CHARS_MAX) return whole;
  const cut = whole.lastIndexOf("|", VERBS_CHARS_MAX - 1);
  return `${whole.slice(0, cut)}|…`;
}

function overview(): string {
  const alone = commands.filter(({ path }) => path.length === 1);
  const work = alone.filter(({ path }) => ["run", "arena", "attach"].includes(path[0] ?? ""));
  const rest = alone.filter((command) => !work.includes(command));
  const verbs = (name: string) =>
    shortened(commands.filter(({ path }) => path[0] === name).map(({ path }) => path[1] ?? ""));
  return blocks([
    [`hearth ${VERSION}: a coding agent for the terminal; a daemon keeps its work alive`],
    ["Usage: hearth [options] [prompt]   (open the terminal here)", "       hearth <command> [options]"],
    ["Work", ...columns(work.map((command) => [usageOf(command), command.summary]))],
    [
      "Manage",
      ...columns([
        ...groups.map(({ name, summary }): [string, string] => [`${name} ${verbs(name)}`, summary]),
        ...rest.map((command): [string, string] => [usageOf(command), command.summary]),
      ]),
    ],
    ["Options", ...optionLines([...bareCommand.options, helpOption, versionOption])],
    [
      "Environment",
      "  HEARTH_HOME keeps all files in one folder; HEARTH_MODEL, HEARTH_AGENT choose.",
      "  ANTHROPIC_API_KEY, OPENAI_API_KEY, GEMINI_API_KEY, OLLAMA_HOST … bring models.",
    ],
    [
      "Exit codes",
      "  0 done, 1 failed, 2 usage, 3 agent, model or provider unusable, 4 permission needed, 5 no daemon, 6 limit reached, 124 timeout, 130 canceled",
    ],
    [
      "Examples",
      ...bareCommand.examples.slice(2).map(indent),
      '  hearth run "which tests cover the parser?"',
    ],
  ]);
}

function groupHelp({ name, summary }: { name: string; summary: string }): string {
  const own = commands.filter(({ path }) => path[0] === name);
  return blocks([
    [`${summary}.`],
    [`Usage: hearth ${name} <command> [options]`],
    ["Commands", ...columns(own.map((command) => [usageOf(command), command.summary]))],
    ["Examples", ...own.flatMap(({ examples }) => examples.map(indent))],
  ]);
}

function commandHelp(command: CommandSpec): string {
  const described = command.arguments.filter(({ help }) => help !== "");
  const args = described.map(({ name, help }): [string, string] => [name, help]);
  return blocks([
    [`${command.summary}.`],
    [`Usage: hearth ${usageOf(command)} [options]`],
    ...(args.length === 0 ? [] : [["Arguments", ...columns(args)]]),
    ["Options", ...optionLines([...command.options, helpOption])],
    ...(command.notes ?? []).map((note) => [note]),
    ["Examples", ...command.examples.map(indent)],
  ]);
}

function usageOf(command: CommandSpec): string {
  const described = command.arguments.filter(({ help }) => help !== "");
  const args = described.map(({ name, isRequired }) => (isRequired ? `<${name}>` : `[${name}]`));
  return [nameOf(command), ...args].join(" ");
}

const optionLines = (options: readonly OptionSpec[]): string[] =>
  columns(
    options.map(({ name, short, value, help }) => [
      `${short === undefined ? "   " : `-${short},`} --${name}${value === undefined ? "" : ` ${value}`}`,
      help,
    ]),
  );

/** Rows of two parts, to be laid out for the screen's width. */
const columns = (rows: readonly (readonly [string, string])[]): string[] =>
  rows.map(([left, right]) => (right === "" ? `  ${left}` : `  ${left}${BETWEEN}${right}`));

const indent = (line: string): string => `  ${line}`;
const blocks = (paragraphs: readonly (readonly string[])[]): string =>
  `${paragraphs.map((lines) => lines.join("\n")).join("\n\n")}\n`;

/** Lays out rows of two parts paragraph by paragraph, and wraps long lines. */
function fitted(text: string, width: number): string {
  const paragraphs = text.split("\n\n").map((paragraph) => {
    const rows = paragraph.split("\n").map((line) => line.split(BETWEEN));
    const left = Math.max(
      0,
      ...rows.flatMap(([first = "", ...more]) => (more.length > 0 ? [first.length] : [])),
    );
    // Without room beside the first part, the second part goes below it.
    const isBeside = width - left - GAP.length >= BESIDE_COLUMNS_MIN;
    return rows.flatMap(([first = "", second]) => {
      if (second === undefined) return folded(first, width, /^ */.exec(first)?.[0].length ?? 0);
      if (!isBeside) return [...folded(first, width, 4), ...folded(`        ${second}`, width, 8)];
      const [head = "", ...rest] = folded(second, width - left - GAP.length, 0);
      return [first.padEnd(left) + GAP + head, ...rest.map((line) => " ".repeat(left) + GAP + line)];
    });
  });
  return paragraphs.map((lines) => lines.join("\n")).join("\n\n");
}

/** Wraps a line between words and indents the rest; an overlong word stays whole. */
function folded(line: string, width: number, indentation: number): string[] {
  if (line.length <= width) return [line];
  const lines: string[] = [];
  let current = /^ */.exec(line)?.[0] ?? "";
  let isEmpty = true;
  for (const word of line.trim().split(/ +/)) {
    if (!isEmpty && current.length + 1 + word.length > width) {
      lines.push(current);
      current = " ".repeat(indentation);
      isEmpty = true;
    }
    current += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, current];
}
