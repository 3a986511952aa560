import { Command, CommanderError, Option } from "commander";
import { UsageError } from "./exit.ts";
import { mistypedCommand } from "./mistyped.ts";
import { bareCommand, type CommandSpec, commands, groups, nameOf, type Parsed } from "./table.ts";

/** Understands any command line. Throws UsageError, with what was probably meant. */
export function parseFully(argv: readonly string[]): Parsed {
  const found: { parsed?: Parsed } = {};
  const program = configure(new Command("hearth"), bareCommand, found);
  const byGroup = new Map(groups.map(({ name }) => [name, quiet(program.command(name))]));
  for (const spec of commands) {
    const [first = "", second] = spec.path;
    const parent = second === undefined ? program : byGroup.get(first);
    if (parent === undefined) throw new Error(`no group for ${nameOf(spec)}`);
    configure(parent.command(second ?? first), spec, found);
  }
  const words = argv.filter((word) => !word.startsWith("-"));
  const isPrompt = argv.includes("--") || argv[0]?.startsWith("-") === true;
  const mistyped = isPrompt ? undefined : mistypedCommand(words);
  if (mistyped !== undefined) {
    const typed = words.join(" ");
    throw new UsageError(
      `There is no command "${words[0]}"; did you mean \`hearth ${mistyped}\`? (As a prompt: \`hearth -- ${typed}\`.)`,
    );
  }
  try {
    program.parse(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === "commander.help") throw new UsageError(missingSubcommand(argv));
    throw new UsageError(`${toSentence(error.message)} Try \`${helpFor(argv)}\`.`);
  }
  if (found.parsed === undefined) throw new Error("commander chose no command");
  return found.parsed;
}

function configure(command: Command, spec: CommandSpec, found: { parsed?: Parsed }): Command {
  quiet(command);
  for (const { name, isRequired, isRest } of spec.arguments) {
    const inner = isRest ? `${name}...` : name;
    command.argument(isRequired ? `<${inner}>` : `[${inner}]`);
  }
  for (const { name, short, value } of spec.options) {
    const flags = `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` <${value}>`}`;
    command.addOption(new Option(flags));
  }
  return command.action(() => {
    const options: Record<string, string | true> = {};
    for (const { name } of spec.options) {
      const value: unknown = command.getOptionValue(camelCase(name));
      if (typeof value === "string" || value === true) options[name] = value;
    }
    found.parsed = { command: spec, options, positionals: command.args };
  });
}

/** Says nothing and never exits: what is wrong becomes one sentence. Help is our own. */
const quiet = (command: Command): Command =>
  command
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: () => {} })
    .allowExcessArguments(false)
    .helpOption(false)
    .helpCommand(false)
    .enablePositionalOptions();

/** The help of what was probably meant. */
function helpFor(argv: readonly string[]): string {
  const words = argv.slice(0, 2).filter((word) => /^\w/.test(word));
  const isKnown = ({ path }: CommandSpec) =>
    path.length > 0 && path.every((word, index) => words[index] === word);
  const command = commands.find(isKnown);
  return [
    "hearth",
    ...(command?.path ?? groups.map(({ name }) => name).filter((name) => name === words[0])),
    "--help",
  ].join(" ");
}

function missingSubcommand(argv: readonly string[]): string {
  const group = groups.find(({ name }) => argv.includes(name))?.name ?? "";
  const words = commands.flatMap(({ path }) => (path[0] === group ? path.slice(1) : []));
  return `\`hearth ${group}\` needs one of: ${words.join(", ")}.`;
}

const camelCase = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

/** "error: unknown option '--fo'\n(Did you mean --format?)" as one sentence. */
function toSentence(message: string): string {
  const [first = "", ...more] = message.replace(/^error: /, "").split("\n");
  const hint = more.join(" ").trim().replace(/^\(D/, "; d").replace(/\)$/, "");
  const sentence = `${first.charAt(0).toUpperCase()}${first.slice(1)}${hint}`;
  return /[.?!]$/.test(sentence) ? sentence : `${sentence}.`;
}
