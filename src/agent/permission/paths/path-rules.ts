import {
  compilePath,
  compileText,
  escapeWildcards,
  expandBraces,
  type PathPattern,
} from "../../wildcards.ts";

/** What a pattern starts from when it does not start with `/`. */
export type PathBases = { root: string; home: string };

/** For comparing names as file systems do that ignore case and Unicode normal forms. */
export const foldCase = (text: string): string => text.normalize("NFC").toLowerCase();

/** The segments of an absolute path, `.` and `..` resolved as text. */
export function segmentsOf(path: string): string[] {
  const done: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") done.pop();
    else if (segment !== "" && segment !== ".") done.push(segment);
  }
  return done;
}

const escapePath = (path: string): string => path.split("/").map(escapeWildcards).join("/");
const literalOf = (segment: string): string => segment.replace(/\\(.)/gsu, "$1");

/** For a rule that allows: exact case, and nothing below the path unless the pattern says so. */
export function allowedPaths(
  body: string | undefined,
  bases: PathBases,
  realPath: (path: string) => string | undefined,
): PathPattern[] {
  return absolutePatterns(body ?? "**", bases).map((segments) => {
    // The folder that the pattern starts in may itself be reached by a link (`/tmp` on macOS).
    const wild = segments.findIndex((segment) => segment === "**" || compileText(segment).wild);
    const fixed = segments.slice(0, wild < 0 ? segments.length : wild);
    const written = `/${fixed.map(literalOf).join("/")}`;
    const real = realPath(written);
    // A rule about the workspace does not follow a link that leads out of it.
    const leaves = `${written}/`.startsWith(`${bases.root}/`) && !`${real}/`.startsWith(`${bases.root}/`);
    if (real === undefined || leaves) return compilePath(segments);
    return compilePath([...segmentsOf(escapePath(real)), ...segments.slice(fixed.length)]);
  });
}

/**
 * For a rule that forbids: in any case, with everything below the path, and a pattern of one segment matches in every
 * folder.
 */
export function forbiddenPaths(body: string | undefined, bases: PathBases): PathPattern[] {
  const patterns = absolutePatterns(body ?? "**", bases);
  const name = body !== undefined && /^[^/~][^/]*\/?$/.test(body) ? body.replace(/\/$/, "") : undefined;
  const anywhere = name === undefined ? [] : (expandBraces(name) ?? [name]).map((choice) => ["**", choice]);
  return [...patterns, ...anywhere].map((segments) => compilePath([...segments.map(foldCase), "**"]));
}

function absolutePatterns(body: string, bases: PathBases): string[][] {
  return (expandBraces(body) ?? [escapeWildcards(body)]).map((choice) => {
    const pattern = choice.endsWith("/") ? `${choice}**` : choice;
    if (pattern.startsWith("/")) return segmentsOf(pattern);
    if (/^~(\/|$)/.test(pattern)) return segmentsOf(`${escapePath(bases.home)}/${pattern.slice(1)}`);
    return segmentsOf(`${escapePath(bases.root)}/${pattern}`);
  });
}
