import { compilePath, expandBraces, matchPath } from "../../wildcards.ts";

/**
 * Matches a glob in time of at most pattern length times path length: paths and patterns (.gitignore) can come from an
 * untrusted repository.
 */
export type GlobMatcher = (path: string) => boolean;

/**
 * `*` and `?` stay within a segment, `**` is any number of segments, `[…]` a character, `{a,b}` alternatives. Matches the
 * whole relative path; with `isAnywhere`, a pattern without `/` matches the last segment of any path.
 */
export function compileGlob(pattern: string, isAnywhere = true): GlobMatcher {
  const matchers = alternativesOf(pattern).map((alternative) => {
    const isName = isAnywhere && !alternative.includes("/");
    return compileSegments(isName ? `**/${alternative}` : alternative.replace(/^(\.?\/)+/, ""));
  });
  return (path) => matchers.some((matches) => matches(path));
}

/** As `compileGlob`, but always anchored and without alternatives, as in .gitignore. */
export function compileSegments(pattern: string): GlobMatcher {
  const segments = pattern.split("/");
  // `a/**` matches what is inside a, not a itself.
  if (segments.at(-1) === "**") segments.push("*");
  const compiled = compilePath(segments);
  return (path) => matchPath(compiled, path.split("/"));
}

/** Expands `a{b,c}` to `ab` and `ac`; a pattern with too many alternatives is taken literally. */
export const alternativesOf = (pattern: string): string[] => expandBraces(pattern) ?? [pattern];

/** Splits a pattern into its fixed folder and the rest: `src/a/*.ts` is `src/a` and `*.ts`. */
export function splitBase(pattern: string): { base: string; rest: string } {
  const segments = pattern.split("/");
  const wild = segments.findIndex((segment) => /[*?[\]{}\\]/.test(segment));
  const count = Math.min(wild === -1 ? segments.length : wild, segments.length - 1);
  const base = segments.slice(0, count).join("/");
  return { base: base === "" && pattern.startsWith("/") ? "/" : base, rest: segments.slice(count).join("/") };
}
