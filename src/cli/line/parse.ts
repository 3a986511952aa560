import { parseArgs } from "node:util";
import { nearestName } from "../../protocol/nearest.ts";
import { UsageError } from "../exit.ts";
import { mistypedCommand } from "./mistyped.ts";
import { type CommandSpec, nameOf, type OptionSpec, type Parsed } from "./spec.ts";
import { bareCommand, commands, commandWords, groups } from "./table.ts";

export type Asked =
  | { kind: "command"; parsed: Parsed }
  | { kind: "help"; path: readonly string[] }
  | { kind: "version" };

/** Parses a command line by the table of commands. Throws UsageError, with a suggestion if there is one. */
export function parseCommandLine(given: readonly string[]): Asked {
  const argv = withVerb(given);
  const own = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const words = own.filter((word) => !word.startsWith("-"));
  if (own[0] === "help") return { kind: "help", path: words.slice(1) };
  if (own.some(isHelp)) return { kind: "help", path: words };
  if (own[0] === "--version" || own[0] === "-V") return { kind: "version" };
  const command = findCommand(argv);
  return { kind: "command", parsed: parseAs(command, argv.slice(command.path.length)) };
}

/** `hearth sessions --json` means `hearth sessions list --json`. */
function withVerb(argv: readonly string[]): readonly string[] {
  const [first = "", second] = argv;
  const group = groups.find(({ name }) => name === first);
  const isAlone = second === undefined || (second.startsWith("-") && !argv.some(isHelp));
  return group !== undefined && isAlone ? [first, group.alone, ...argv.slice(1)] : argv;
}

const isHelp = (word: string): boolean => word === "--help" || word === "-h";

/** The command at the start of the line; the bare one for a prompt. */
function findCommand(argv: readonly string[]): CommandSpec {
  const named = commands.find(({ path }) => path.every((word, index) => argv[index] === word));
  if (named !== undefined) return named;
  const [first = "", verb = ""] = argv;
  if (groups.some(({ name }) => name === first)) {
    const verbs = commands.flatMap(({ path }) => (path[0] === first ? path.slice(1) : []));
    throw new UsageError(
      `There is no command "${first} ${verb}"${didYouMean(nearestName(verb, verbs))} Try \`hearth ${first} --help\`.`,
    );
  }
  return bareCommand;
}

function parseAs(command: CommandSpec, args: readonly string[]): Parsed {
  // Not strict: parseArgs would word the errors itself and refuse values that begin with a dash.
  const { tokens } = parseArgs({
    args: [...args],
    options: Object.fromEntries(command.options.map(toParseArgs)),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const positionals = tokens.flatMap((token) => (token.kind === "positional" ? [token.value] : []));
  // Everything after `--` is a prompt.
  if (command === bareCommand && !args.includes("--")) refuseCommandWord(args, positionals);
  const options: Record<string, string | true> = {};
  for (const token of tokens) if (token.kind === "option") options[token.name] = optionValue(command, token);
  checkCount(command, positionals);
  return { command, options, positionals };
}

const toParseArgs = ({ name, short, value }: OptionSpec) =>
  [
    name,
    { type: value === undefined ? "boolean" : "string", ...(short !== undefined && { short }) },
  ] as const;

function optionValue(
  command: CommandSpec,
  { name, rawName, value }: { name: string; rawName: string; value: string | undefined },
): string | true {
  const spec = command.options.find((option) => option.name === name);
  if (spec === undefined) {
    const near = nearestName(
      name,
      command.options.map((option) => option.name),
    );
    throw mistake(command, `There is no option ${rawName}${didYouMean(near && `--${near}`)}`);
  }
  if (spec.value === undefined) {
    if (value !== undefined) throw mistake(command, `${rawName} takes no value.`);
    return true;
  }
  if (value === undefined) throw mistake(command, `${rawName} needs a value: ${spec.value}.`);
  if (spec.choices !== undefined && !spec.choices.includes(value))
    throw mistake(command, `${rawName} takes ${listOf(spec.choices)}, not "${value}".`);
  return value;
}

/** Refuses a prompt of one or two words that is, or almost is, a command. */
function refuseCommandWord(args: readonly string[], positionals: readonly string[]): void {
  const [word] = positionals;
  if (word === undefined) return;
  const asPrompt = `(As a prompt: \`hearth -- ${positionals.join(" ")}\`.)`;
  if (args[0] !== word) {
    if (!commandWords.includes(word)) return;
    throw new UsageError(`The command comes first: \`hearth ${word} …\`, then its options. ${asPrompt}`);
  }
  const meant = mistypedCommand(positionals);
  if (meant === undefined) return;
  throw new UsageError(`There is no command "${word}"${didYouMean(`\`hearth ${meant}\``)} ${asPrompt}`);
}

function checkCount(command: CommandSpec, positionals: readonly string[]): void {
  const missing = command.arguments.filter(({ isRequired }) => isRequired)[positionals.length];
  if (missing !== undefined) throw mistake(command, `\`hearth ${nameOf(command)}\` needs ${missing.name}.`);
  if (command.arguments.some(({ isRest }) => isRest)) return;
  const [extra] = positionals.slice(command.arguments.length);
  if (extra === undefined) return;
  const most = command.arguments.length === 0 ? "no argument" : `${command.arguments.length} at most`;
  throw mistake(command, `\`hearth ${nameOf(command)}\` takes ${most}: "${extra}" is too much.`);
}

const mistake = (command: CommandSpec, sentence: string): UsageError =>
  new UsageError(`${sentence} Try \`${["hearth", ...command.path, "--help"].join(" ")}\`.`);

/** Ends a sentence that refuses a word. */
const didYouMean = (meant: string | undefined): string =>
  meant === undefined ? "." : `; did you mean ${meant}?`;

const listOf = (words: readonly string[]): string => `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
