import { parseArgs } from "node:util";
import { UsageError } from "./exit.ts";
import { mistypedCommand } from "./mistyped.ts";
import {
  bareCommand,
  type CommandSpec,
  commands,
  commandWords,
  groups,
  nameOf,
  type OptionSpec,
  type Parsed,
} from "./table.ts";

export type Asked =
  | { kind: "command"; parsed: Parsed }
  | { kind: "help"; path: readonly string[] }
  | { kind: "version" };

/**
 * Understands a command line. What is plain is read here at once; what is not, a mistake above all, is left to
 * commander, which costs 14 ms to load and says what was wrong. Throws UsageError.
 */
export async function parseCommandLine(given: readonly string[]): Promise<Asked> {
  const argv = withVerb(given);
  const own = argv.includes("--") ? argv.slice(0, argv.indexOf("--")) : argv;
  const words = own.filter((word) => !word.startsWith("-"));
  if (own[0] === "help") return { kind: "help", path: words.slice(1) };
  if (own.some(isHelp)) return { kind: "help", path: words };
  if (own[0] === "--version" || own[0] === "-V") return { kind: "version" };
  const parsed = parsePlain(argv) ?? (await import("./parse-fully.ts")).parseFully(argv);
  for (const option of parsed.command.options) checkChoice(parsed, option);
  return { kind: "command", parsed };
}

/** `hearth sessions --json` means `hearth sessions list --json`. */
function withVerb(argv: readonly string[]): readonly string[] {
  const [first = "", second] = argv;
  const group = groups.find(({ name }) => name === first);
  const isAlone = second === undefined || (second.startsWith("-") && !argv.some(isHelp));
  return group !== undefined && isAlone ? [first, group.alone, ...argv.slice(1)] : argv;
}

const isHelp = (word: string): boolean => word === "--help" || word === "-h";

/** Reads the bare command and those of one word; undefined for everything that needs a second look. */
export function parsePlain(argv: readonly string[]): Parsed | undefined {
  const [first = ""] = argv;
  const named = commands.find((command) => command.path.length === 1 && command.path[0] === first);
  if (named === undefined && groups.some(({ name }) => name === first)) return undefined;
  const command = named ?? bareCommand;
  try {
    const { values, positionals } = parseArgs({
      args: [...(named === undefined ? argv : argv.slice(1))],
      options: Object.fromEntries(command.options.map(toParseArgs)),
      allowPositionals: true,
    });
    if (!fits(command, positionals) || (named === undefined && looksLikeCommand(argv, positionals)))
      return undefined;
    return { command, options: values as Parsed["options"], positionals };
  } catch {
    return undefined; // commander finds the words for it
  }
}

const toParseArgs = ({ name, short, value }: OptionSpec) =>
  [
    name,
    { type: value === undefined ? "boolean" : "string", ...(short !== undefined && { short }) },
  ] as const;

function fits(command: CommandSpec, positionals: readonly string[]): boolean {
  const required = command.arguments.filter(({ isRequired }) => isRequired).length;
  const most = command.arguments.some(({ isRest }) => isRest)
    ? Number.POSITIVE_INFINITY
    : command.arguments.length;
  return positionals.length >= required && positionals.length <= most;
}

/** What stands after `--` is a prompt, whatever it looks like. */
function looksLikeCommand(argv: readonly string[], positionals: readonly string[]): boolean {
  const [word] = positionals;
  if (word === undefined || argv.includes("--")) return false;
  return commandWords.includes(word) || mistypedCommand(positionals) !== undefined;
}

function checkChoice({ command, options }: Parsed, { name, choices }: OptionSpec): void {
  const value = options[name];
  if (choices === undefined || typeof value !== "string" || choices.includes(value)) return;
  const where = command.path.length === 0 ? "" : ` of hearth ${nameOf(command)}`;
  throw new UsageError(`--${name}${where} takes ${listOf(choices)}, not "${value}".`);
}

const listOf = (words: readonly string[]): string => `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
