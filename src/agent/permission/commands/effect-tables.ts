import type { Access } from "../rules/policy.ts";
import type { ShellWord } from "../shell/words.ts";
import { gitReaders } from "./git-commands.ts";
import { type Operands, readers, writers } from "./known-commands.ts";
import { type OptionKind, parseOptionTable, type ReadOptions } from "./options.ts";
import { tellsPath } from "./script-arguments.ts";

/** `itself`: where the path is a link, the link is meant. */
export type PathUse = { word: ShellWord; access: Access; itself?: boolean };

/** What a command does, as far as its words tell. */
export type Effects = {
  /** It only reads what its paths name, and nothing else follows from its words. */
  free: boolean;
  paths: PathUse[];
  /** Its arguments are known not to be commands. */
  understood: boolean;
  /** What makes it more than an ordinary command, in a few words. */
  special?: string | undefined;
  /** It reads a repository with git, which must then be a plain one. */
  git?: boolean;
};

const tables: ReadonlyMap<{ options: string }, ReadonlyMap<string, OptionKind>> = new Map(
  [readers, writers, gitReaders].flatMap((record: Readonly<Record<string, { options: string }>>) =>
    Object.values(record).map((entry) => [entry, parseOptionTable(entry.options)] as const),
  ),
);

export const tableOf = (entry: { options: string }): ReadonlyMap<string, OptionKind> =>
  tables.get(entry) ?? new Map();
/** The entry of that very name, not what objects inherit. */
export const entryOf = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** It does nothing but print. */
export const harmless: Effects = { free: true, paths: [], understood: true };
export function fromTable(operands: Operands, read: ReadOptions): Effects {
  const paths: PathUse[] = [];
  for (const { kind, value } of read.options) {
    if (value !== undefined && (kind === "read" || kind === "write"))
      paths.push({ word: value, access: kind });
  }
  const named = read.options.map(({ name }) => name);
  const into = named.some((name) => name === "-t" || name === "--target-directory");
  for (const [index, word] of read.operands.entries()) {
    const last = index === read.operands.length - 1 && index > 0 && !into;
    if (operands === "read" || operands === "write") paths.push({ word, access: operands });
    else if (operands === "sources") paths.push({ word, access: last ? "write" : "read" });
    else if (operands === "move") paths.push({ word, access: "write" });
    else if (operands === "pattern") {
      const given = named.some((name) => /^(-e|-f|--regexp|--file|--files)$/.test(name));
      if (index > 0 || given) paths.push({ word, access: "read" });
    }
  }
  // What an option is given that the table does not have may be a path: --from-file=/etc/passwd.
  const told = new Set(paths.map(({ word }) => word.text));
  const others = read.unknown.filter((word) => !read.operands.includes(word));
  paths.push(...namedPaths(others).filter(({ word }) => !told.has(word.text)));
  const stray = operands === "none" && read.operands.length > 0;
  return { free: read.unknown.length === 0 && !stray, paths, understood: true };
}

/** Every word of a command that nothing is known of, and every part of one, that looks like a path. */
export function namedPaths(args: readonly ShellWord[]): PathUse[] {
  return args.flatMap((word) => tellsPath(word).map((path) => ({ word: path, access: "unknown" as const })));
}
