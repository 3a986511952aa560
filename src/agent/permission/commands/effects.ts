import { isKnown, type ShellWord } from "../shell/words.ts";
import { type Effects, entryOf, fromTable, namedPaths, tableOf } from "./effect-tables.ts";
import { readers, writers } from "./known-commands.ts";
import { type ReadOptions, readOptions } from "./options.ts";
import { specials } from "./special-effects.ts";

const systemProgram = /^\/(usr\/(local\/)?)?s?bin\/[^/]+$|^\/opt\/homebrew\/bin\/[^/]+$/;

/** The name by which tables know a program; undefined for a program outside the folders of the system. */
export function programName(word: ShellWord): string | undefined {
  if (!isKnown(word) || word.pieces.some((piece) => piece.kind !== "text")) return undefined;
  if (!word.text.includes("/")) return word.text;
  return systemProgram.test(word.text) ? word.text.split("/").at(-1) : undefined;
}

export function effectsOf(words: readonly ShellWord[]): Effects {
  const [first, ...args] = words;
  const name = first && programName(first);
  if (name === undefined) return { free: false, paths: namedPaths(args), understood: false };
  const special = specials.get(name);
  if (special !== undefined) return special(args, name);
  const reader = entryOf(readers, name);
  if (reader !== undefined) {
    const read = readOptions(args, tableOf(reader));
    const effects = fromTable(reader.operands, read);
    // An option that the table does not have may be one that runs its argument.
    return {
      ...effects,
      free: effects.free && isFine(name, args, read),
      understood: read.unknown.length === 0,
    };
  }
  const writer = entryOf(writers, name);
  if (writer !== undefined) {
    const { paths } = fromTable(writer.operands, readOptions(args, tableOf(writer)));
    const itself = /^(rm|rmdir|unlink|mv)$/.test(name);
    return {
      free: false,
      paths: itself ? paths.map((use) => ({ ...use, itself })) : paths,
      understood: true,
    };
  }
  return { free: false, paths: namedPaths(args), understood: false };
}

/** Conditions that a table of options cannot express. */
function isFine(name: string, args: readonly ShellWord[], read: ReadOptions): boolean {
  switch (name) {
    case "date":
      // Without the plus it sets the clock.
      return read.operands.every((word) => word.text.startsWith("+"));
    case "printf":
      return args[0] !== undefined && isKnown(args[0]) && !/^-v/.test(args[0].text);
    case "set":
      return args.every(({ text }, at) => {
        if (/^[-+]\w*o$/.test(args[at - 1]?.text ?? "")) return plainShellOption.test(text);
        return !/^[-+]/.test(text) || /^(--|[-+][eufCx]*o?)$/.test(text);
      });
    default:
      return true;
  }
}

const plainShellOption = /^(errexit|nounset|pipefail|xtrace|noglob|noclobber)$/;
