import type { Context } from "../context.ts";
import { exitCodes, UsageError } from "../exit.ts";
import type { CommandSpec, Offers, OptionSpec, Parsed } from "./spec.ts";
import { bareCommand, commands, commandWords, groups } from "./table.ts";

/**
 * `hearth completion bash|zsh|fish` prints a script for the shell. The script calls `hearth completion words -- <the
 * words so far>`, so it never becomes outdated.
 */
export async function completion({ positionals }: Parsed, context: Context): Promise<number> {
  const { out } = context;
  const [shell = "", ...words] = positionals;
  if (shell === "words") {
    const offers = offersFor(words.slice(0, -1));
    const offered = offers && (await (await import("./completion-offers.ts")).offered(offers, context));
    for (const candidate of completeWords(words, offered)) await out.line(candidate);
    return exitCodes.done;
  }
  const script = scripts[shell];
  if (script === undefined)
    throw new UsageError(`There is no completion for "${shell}": it is bash, zsh or fish.`);
  await out.write(script);
  return exitCodes.done;
}

const scripts: Readonly<Record<string, string>> = {
  bash: `_hearth() {
  local IFS=$'\\n'
  COMPREPLY=($(hearth completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _hearth hearth
`,
  zsh: `#compdef hearth
_hearth() {
  local -a found
  found=("\${(@f)$(hearth completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ -n "\${found[1]}" ]]; then compadd -a found; else _files; fi
}
if [[ "\${funcstack[1]}" == _hearth ]]; then _hearth "$@"; else compdef _hearth hearth; fi
`,
  fish: `function __hearth_words
  hearth completion words -- (commandline -opc)[2..-1] (commandline -ct | string collect --allow-empty) 2>/dev/null
end
complete -c hearth -f -a '(__hearth_words)'
complete -c hearth -n '__fish_seen_subcommand_from attach' -F
`,
};

/** The candidates for the last word, given the words before it and what the daemon offers. */
export function completeWords(words: readonly string[], offered: readonly string[] = []): string[] {
  const current = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  return [...offered, ...candidates(before)].filter(
    (candidate) => candidate.startsWith(current) && (current !== "" || !candidate.startsWith("-")),
  );
}

const commandOf = (before: readonly string[]): CommandSpec | undefined =>
  commands.find(({ path }) => path.every((word, index) => before[index] === word));

/** The option whose value the last word is. */
const valuedBy = (before: readonly string[]): OptionSpec | undefined =>
  (commandOf(before) ?? bareCommand).options.find(
    (option) => option.value !== undefined && isCalled(option, before.at(-1)),
  );

/** The candidates that only the daemon knows, if any. */
function offersFor(before: readonly string[]): Offers | undefined {
  const option = valuedBy(before);
  if (option !== undefined) return option.offers;
  const command = commandOf(before);
  // Only the first argument has offers.
  const isFirst = command !== undefined && before.length === command.path.length;
  return isFirst ? command.arguments[0]?.offers : undefined;
}

function candidates(before: readonly string[]): readonly string[] {
  const command = commandOf(before);
  const { options } = command ?? bareCommand;
  const valued = valuedBy(before);
  if (valued !== undefined) return valued.choices ?? [];
  if (command !== undefined) return [...argumentsOf(command), ...flagsOf(options)];
  const group = groups.find(({ name }) => name === before[0]);
  if (group !== undefined)
    return commands.flatMap(({ path }) => (path[0] === group.name ? path.slice(1) : []));
  return before.length === 0 ? [...commandWords, ...flagsOf(options), "--version"] : flagsOf(options);
}

const isCalled = ({ name, short }: OptionSpec, word: string | undefined): boolean =>
  word === `--${name}` || (short !== undefined && word === `-${short}`);

const flagsOf = (options: readonly OptionSpec[]): string[] => [
  ...options.map(({ name }) => `--${name}`),
  "--help",
];

const argumentsOf = ({ path }: CommandSpec): string[] =>
  path[0] === "completion" ? Object.keys(scripts) : [];
