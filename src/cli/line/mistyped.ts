import { nearestName } from "../../protocol/nearest.ts";
import { commands, commandWords } from "./table.ts";

/**
 * The command that words were probably meant as: a single word near one, or a word near a group with a verb of that
 * group, or near it. A sentence is a prompt.
 */
export function mistypedCommand(words: readonly string[]): string | undefined {
  const [first = "", second, ...more] = words;
  const meant = nearestName(first, commandWords);
  if (meant === undefined || second === undefined) return meant;
  const verbs = verbsOf(meant);
  const verb = verbs.includes(second) ? second : nearestName(second, verbs);
  return verb === undefined ? undefined : [meant, verb, ...more].join(" ");
}

/** What may follow a command's first word, and nothing else. */
const verbsOf = (word: string): readonly string[] =>
  word === "completion"
    ? ["bash", "zsh", "fish"]
    : commands.flatMap(({ path: [first, verb] }) => (first === word && verb !== undefined ? [verb] : []));
