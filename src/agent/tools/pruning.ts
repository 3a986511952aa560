import { alternativesOf } from "./search/glob-pattern.ts";

/**
 * Lets ripgrep skip files whose names cannot match the glob's last segment. `--glob` cannot be used, because it overrides
 * .gitignore. This only prunes: the caller still matches each path.
 */
export function pruningArgs(pattern: string): string[] {
  const names = alternativesOf(pattern.split("/").at(-1) ?? "");
  // Only patterns that mean the same in every glob dialect.
  if (!names.every((name) => /^[\w.*?-]+$/.test(name) && name !== "*" && !name.includes("**"))) return [];
  return [...names.map((name) => `--type-add=wanted:${name}`), "--type=wanted"];
}
