import { nearestName } from "../../protocol/nearest.ts";
import { commands, commandWords } from "./table.ts";

/**
 * The command that a mistyped line probably meant: a single word near a command, or a word near a group followed by one
 * of its verbs or one near it. Anything else is a prompt.
 */
export function mistypedCommand(words: readonly string[]): string | undefined {
  const [first = "", second, ...more] = words;
  const meant = nearestName(first, commandWords);
  if (meant === undefined || second === undefined) return meant;
  const verbs = verbsOf(meant);
  const verb = verbs.includes(second) ? second : nearestName(second, verbs);
  return verb === undefined ? undefined : [meant, verb, ...more].join(" ");
}

/** The words that may follow a command's first word. */
const verbsOf = (word: string): readonly string[] =>
  word === "completion"
    ? ["bash", "zsh", "fish"]
    : commands.flatMap(({ path: [first, verb] }) => (first === word && verb !== undefined ? [verb] : []));
