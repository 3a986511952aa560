import { readFile, stat } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { compileSegments, type GlobMatcher } from "./glob-pattern.ts";

/** The ignore rules of git and ripgrep. A folder's rules override those of its parents. */
export type IgnoreRules = {
  /** `path` is absolute and real. The folders above it must not be ignored themselves. */
  isIgnored(path: string, isFolder: boolean): boolean;
  /** These rules plus those of the folder's own files. */
  enter(folder: string): Promise<IgnoreRules>;
};

type Rule = { matches: GlobMatcher; isForFolders: boolean; isException: boolean };
type RuleSet = { folder: string; rules: readonly Rule[] };

const names = [".gitignore", ".ignore"] as const;
const RULE_FILE_BYTES_MAX = 256 * 1024;
const RULES_MAX = 5000;
const LEVELS_UP_MAX = 40;

/** The rules of a folder, including those of its parents up to the repository's root. */
export async function readIgnoreRules(folder: string): Promise<IgnoreRules> {
  const folders = [folder];
  let top = folder;
  for (let level = 0; level < LEVELS_UP_MAX && !(await exists(join(top, ".git"))); level++) {
    if (dirname(top) === top) return createRules(await setsOf(folder)); // no repository
    top = dirname(top);
    folders.unshift(top);
  }
  const exclude = await rulesIn(join(top, ".git/info/exclude"));
  const sets = await Promise.all(folders.map(setsOf));
  return createRules([{ folder: top, rules: exclude }, ...sets.flat()]);
}

function createRules(sets: readonly RuleSet[]): IgnoreRules {
  return {
    isIgnored(path, isFolder) {
      if (path.endsWith("/.git")) return true;
      for (const { folder, rules } of sets.toReversed()) {
        const below = relative(folder, path);
        const last = rules.findLast((rule) => (isFolder || !rule.isForFolders) && rule.matches(below));
        if (last !== undefined) return !last.isException;
      }
      return false;
    },
    enter: async (folder) => createRules([...sets, ...(await setsOf(folder))]),
  };
}

async function setsOf(folder: string): Promise<RuleSet[]> {
  const found = await Promise.all(names.map((name) => rulesIn(join(folder, name))));
  return found.filter((rules) => rules.length > 0).map((rules) => ({ folder, rules }));
}

async function rulesIn(file: string): Promise<Rule[]> {
  try {
    const stats = await stat(file);
    if (!stats.isFile() || stats.size > RULE_FILE_BYTES_MAX) return [];
    return parseRules(await readFile(file, "utf8"));
  } catch {
    return []; // missing or unreadable
  }
}

/** The lines of a .gitignore, in order. */
export function parseRules(text: string): Rule[] {
  return text
    .split(/\r?\n/)
    .slice(0, RULES_MAX)
    .flatMap((line): Rule[] => {
      let pattern = line.replace(/(?<!\\)[ \t]+$/, "");
      if (pattern === "" || pattern.startsWith("#")) return [];
      const isException = pattern.startsWith("!");
      if (isException) pattern = pattern.slice(1);
      const isForFolders = pattern.endsWith("/");
      if (isForFolders) pattern = pattern.slice(0, -1);
      const isAnchored = pattern.includes("/");
      if (pattern.startsWith("/")) pattern = pattern.slice(1);
      if (pattern === "") return [];
      const matches = compileSegments(isAnchored ? pattern : `**/${pattern}`);
      return [{ matches, isForFolders, isException }];
    });
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
