import type { parseOptionTable } from "../commands/options.ts";
import { concat, isKnown, type ShellWord, textWord } from "./words.ts";

/** The commands that a command runs from its words. */
export type Unwrapped = {
  inner: (
    | { kind: "words"; words: readonly ShellWord[]; cwd?: ShellWord | undefined }
    | { kind: "script"; text: ShellWord }
  )[];
  /** It does nothing itself: what allows the inner command allows it. */
  transparent: boolean;
  /** Variables that it sets for the inner command. */
  assigns: string[];
  /** What a person should know of it, in a few words. */
  reasons: string[];
  /** Why it is not known what it runs. */
  problem: string | undefined;
  /** Its input holds the script that it runs, or the arguments (`data`) of what it runs. */
  input?: "script" | "data";
};

export const nothing = (): Unwrapped => ({
  inner: [],
  transparent: false,
  assigns: [],
  reasons: [],
  problem: undefined,
});

export const skipOptions = (args: readonly ShellWord[]): readonly ShellWord[] => {
  const at = args.findIndex((word) => !word.text.startsWith("-"));
  return at < 0 ? [] : args.slice(at);
};

/** The words from the first that is not an option; undefined when an option is not known. */
export function commandAfter(
  args: readonly ShellWord[],
  table: ReturnType<typeof parseOptionTable>,
): { words: ShellWord[]; plain: boolean } | undefined {
  let plain = true;
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? textWord("");
    const { text } = word;
    if (text === "--") return { words: args.slice(at + 1), plain };
    if (!text.startsWith("-") || text === "-") return { words: args.slice(at), plain };
    if (!isKnown(word)) return undefined;
    plain = false;
    if (/^-\d+$/.test(text) && table.has("-#")) continue;
    const [name = "", value] = text.startsWith("--") ? text.split(/=(.*)/s) : [text];
    const kind = table.get(name);
    if (kind === undefined && !text.startsWith("--")) {
      // Several letters in one word; the last may take a value.
      const taking = [...text.slice(1)].findIndex((letter) => (table.get(`-${letter}`) ?? "flag") !== "flag");
      if (
        [...text.slice(1)]
          .slice(0, taking < 0 ? undefined : taking + 1)
          .some((letter) => !table.has(`-${letter}`))
      )
        return undefined;
      if (taking === text.length - 2) at += 1;
    } else if (kind === undefined) return undefined;
    else if (kind !== "flag" && kind !== "optional" && value === undefined) at += 1;
  }
  return { words: [], plain };
}

/** Moves the leading words `NAME=value` from `words` to `assigns`. */
export function takeAssignments(words: ShellWord[], into: Unwrapped) {
  for (let name = assignedName(words[0]); name !== undefined; name = assignedName(words[0])) {
    into.assigns.push(name);
    words.shift();
  }
}
const assignedName = (word: ShellWord | undefined) => /^([A-Za-z_]\w*)=/.exec(word?.text ?? "")?.[1];

/** One text of several words, as eval, ssh and watch make it. */
export const joinWords = (words: readonly ShellWord[]): ShellWord =>
  concat(words.flatMap((word, index) => (index === 0 ? [word] : [textWord(" "), word])));
