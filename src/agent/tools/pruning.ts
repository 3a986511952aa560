import { alternativesOf } from "./glob-pattern.ts";

/**
 * Lets ripgrep leave out at once what a glob cannot match by its last segment. Its own `--glob` would not do: it
 * overrides .gitignore, and so brings back what that leaves out. Whether a path matches is not decided here.
 */
export function pruningArgs(pattern: string): string[] {
  const names = alternativesOf(pattern.split("/").at(-1) ?? "");
  // Only what every dialect of globs reads the same way.
  if (!names.every((name) => /^[\w.*?-]+$/.test(name) && name !== "*" && !name.includes("**"))) return [];
  return [...names.map((name) => `--type-add=wanted:${name}`), "--type=wanted"];
}
