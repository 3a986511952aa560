import type { Access } from "../rules/policy.ts";
import type { ShellWord } from "../shell/words.ts";
import { gitReaders } from "./git-commands.ts";
import { type Operands, readers, writers } from "./known-commands.ts";
import { type OptionKind, parseOptionTable, type ReadOptions } from "./options.ts";
import { possiblePaths } from "./script-arguments.ts";

/** `itself`: the command acts on a link, not on its target. */
export type PathUse = { word: ShellWord; access: Access; itself?: boolean };

/** What a command does, as far as its words show. */
export type Effects = {
  /** It only reads the files in `paths`. */
  free: boolean;
  paths: PathUse[];
  /** None of its arguments is a command. */
  understood: boolean;
  /** A short reason why no rule with a wildcard allows it. */
  special?: string | undefined;
  /** It reads a repository with git, whose configuration must then name no program. */
  git?: boolean;
};

const tables: ReadonlyMap<{ options: string }, ReadonlyMap<string, OptionKind>> = new Map(
  [readers, writers, gitReaders].flatMap((record: Readonly<Record<string, { options: string }>>) =>
    Object.values(record).map((entry) => [entry, parseOptionTable(entry.options)] as const),
  ),
);

export const tableOf = (entry: { options: string }): ReadonlyMap<string, OptionKind> =>
  tables.get(entry) ?? new Map();
/** Only own properties: not `toString` and the like. */
export const entryOf = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** It only prints. */
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
  // The value of an option that the table does not have may be a path: --from-file=/etc/passwd.
  const known = new Set(paths.map(({ word }) => word.text));
  const others = read.unknown.filter((word) => !read.operands.includes(word));
  paths.push(...namedPaths(others).filter(({ word }) => !known.has(word.text)));
  const stray = operands === "none" && read.operands.length > 0;
  return { free: read.unknown.length === 0 && !stray, paths, understood: true };
}

/** For a command that no table has: every word, and every part of one, that looks like a path. */
export function namedPaths(args: readonly ShellWord[]): PathUse[] {
  return args.flatMap((word) =>
    possiblePaths(word).map((path) => ({ word: path, access: "unknown" as const })),
  );
}
