import { lstat, readlink, realpath } from "node:fs/promises";
import { homedir } from "node:os";
import { basename, dirname, isAbsolute, relative, sep } from "node:path";

/** As many links in a row as Linux follows. */
const LINKS_MAX = 40;

/** A path that cannot exist; the message is for whoever gave it. */
export class PathError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "PathError";
  }
}

export type WorkspacePath = {
  /** Absolute, every link followed, also where the last parts do not exist yet and where a link dangles. */
  real: string;
  isInside: boolean;
  /** For people and models: relative to the root where inside it, else absolute. */
  shown: string;
};

/**
 * Where a path of a tool call leads; relative ones start at `root`, `~/` at the home folder. What is judged is
 * what is opened: callers use `real` and nothing else. Throws PathError for one that cannot exist (NUL), and what
 * the system says of others (ELOOP, EACCES).
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

/** The real path, or undefined when it is not inside the root. */
export async function resolveInside(root: string, path: string): Promise<string | undefined> {
  const { real, isInside } = await locate(root, path);
  return isInside ? real : undefined;
}

/** Whether a real path still is one: false when a folder in it was swapped for a link since it was resolved. */
export async function isStillReal(real: string): Promise<boolean> {
  return (await followLinks(real, LINKS_MAX)) === real;
}

/** A shown path within a sentence. */
export const placeText = (shown: string): string => (shown === "." ? "the workspace root" : shown);

/** Whether `path` is `folder` or below it, by whole segments. Both must be real paths. */
export function contains(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : folder + sep);
}

// `..` after a link means the folder above the link's target, so nothing here may be shortened as text.
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
  // A dangling link: writing through it would make its target.
  const target = await orUndefined(readLink(here));
  return target === undefined ? here : followLinks(absolute(parent, target), linksLeft - 1);
}

async function readLink(path: string): Promise<string | undefined> {
  return (await lstat(path)).isSymbolicLink() ? readlink(path) : undefined;
}

/** Undefined for what is not there, also because a parent is no folder. */
async function orUndefined<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}
