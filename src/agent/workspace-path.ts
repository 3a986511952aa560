import { lstat, readlink, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, relative, sep } from "node:path";

/** The same limit as in Linux. */
const LINKS_MAX = 40;

/** An impossible path. The message is shown to whoever gave it. */
export class PathError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PathError";
  }
}

export type WorkspacePath = {
  /** Absolute, with all links resolved, even if the last parts do not exist yet or a link dangles. */
  real: string;
  isInside: boolean;
  /** For people and models: relative to the root if inside it, else absolute. */
  shown: string;
};

/**
 * Resolves the path of a tool call; relative paths start at `root`, `~/` at the home folder. Callers must use only `real`,
 * so that what was judged is what is opened. Throws PathError for impossible paths (NUL), and system errors (ELOOP,
 * EACCES).
 */
export async function locate(root: string, path: string): Promise<WorkspacePath> {
  if (path.includes("\0")) throw new PathError("A path cannot contain a NUL character.");
  const expanded = path === "~" || path.startsWith("~/") ? homedir() + path.slice(1) : path;
  const [realRoot, real] = await Promise.all([
    realpath(root),
    followLinks(absolute(root, expanded), LINKS_MAX),
  ]);
  const isInside = contains(realRoot, real);
  return { real, isInside, shown: isInside ? relative(realRoot, real) || "." : real };
}

/** The real path; undefined if it is outside the root. */
export async function resolveInside(root: string, path: string): Promise<string | undefined> {
  const { real, isInside } = await locate(root, path);
  return isInside ? real : undefined;
}

/** Whether a resolved path is still real: false when a folder in it was replaced by a link since. */
export async function isStillReal(real: string): Promise<boolean> {
  return (await followLinks(real, LINKS_MAX)) === real;
}

/** A shown path within a sentence. */
export const placeText = (shown: string): string => (shown === "." ? "the workspace root" : shown);

/** Whether `path` is `folder` or below it, by whole segments. Both must be real paths. */
export function contains(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

// `..` after a link means the parent of the link's target, so paths must not be normalized as text.
const absolute = (folder: string, path: string): string => (isAbsolute(path) ? path : `${folder}/${path}`);

async function followLinks(path: string, linksLeft: number): Promise<string> {
  if (linksLeft <= 0) throw new PathError(`${path} leads through too many links.`);
  const found = await orUndefined(realpath(path));
  if (found !== undefined) return found;
  const trimmed = path.replace(/\/+$/, "");
  const name = basename(trimmed);
  const parent = await followLinks(dirname(trimmed), linksLeft);
  if (name === "." || name === "") return parent;
  if (name === "..") return dirname(parent);
  const here = parent.endsWith(sep) ? parent + name : parent + sep + name;
  // A dangling link: writing through it would create its target.
  const target = await orUndefined(readLink(here));
  return target === undefined ? here : followLinks(absolute(parent, target), linksLeft - 1);
}

async function readLink(path: string): Promise<string | undefined> {
  return (await lstat(path)).isSymbolicLink() ? readlink(path) : undefined;
}

/** undefined if it does not exist, or a parent is not a folder. */
async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
