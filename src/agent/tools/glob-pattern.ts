import { compilePath, expandBraces, matchPath } from "../wildcards.ts";

/**
 * Globs that cost at most length times length to match: what they are matched against is a repository's own, and so
 * may the patterns be (.gitignore).
 */
export type GlobMatcher = (path: string) => boolean;

/**
 * `*` and `?` stay within a segment, `**` is any number of segments, `[…]` a character, `{a,b}` alternatives.
 * Matches the whole of a relative path; where `isAnywhere`, a pattern without `/` matches the last segment of any.
 */
export function compileGlob(pattern: string, isAnywhere = true): GlobMatcher {
  const matchers = alternativesOf(pattern).map((alternative) => {
    const isName = isAnywhere && !alternative.includes("/");
    return compileSegments(isName ? `**/${alternative}` : alternative.replace(/^(\.?\/)+/, ""));
  });
  return (path) => matchers.some((matches) => matches(path));
}

/** As `compileGlob`, anchored as given and without alternatives: what .gitignore knows. */
export function compileSegments(pattern: string): GlobMatcher {
  const segments = pattern.split("/");
  // `a/**` is what is inside a, not a.
  if (segments.at(-1) === "**") segments.push("*");
  const compiled = compilePath(segments);
  return (path) => matchPath(compiled, path.split("/"));
}

/** `a{b,c}` as `ab` and `ac`; a pattern with too many alternatives stands for itself. */
export const alternativesOf = (pattern: string): string[] => expandBraces(pattern) ?? [pattern];

/** The folder that every match is below, and the rest of the pattern: `src/a/*.ts` is `src/a` and `*.ts`. */
export function splitBase(pattern: string): { base: string; rest: string } {
  const segments = pattern.split("/");
  const wild = segments.findIndex((segment) => /[*?[\]{}\\]/.test(segment));
  const count = Math.min(wild === -1 ? segments.length : wild, segments.length - 1);
  const base = segments.slice(0, count).join("/");
  return { base: base === "" && pattern.startsWith("/") ? "/" : base, rest: segments.slice(count).join("/") };
}
