import { opendir } from "node:fs/promises";
import { homedir } from "node:os";
import { resolve } from "node:path";

/** Entries read of one folder. */
const ENTRIES_MAX = 20_000;

/**
 * Completes a typed path from the file system: `/etc/ho` gives `/etc/hosts`, `~/` lists the home folder, `dist/` lists an
 * ignored folder. Results keep the typed prefix; folders end in a slash.
 */
export async function completePath(
  root: string,
  typed: string,
  limit: number,
  signal: AbortSignal,
): Promise<string[]> {
  // `..` is not supported: use an absolute path.
  if (/\0|(^|\/)\.\.(\/|$)/.test(typed)) return [];
  if (/^[~.]$/.test(typed)) return [`${typed}/`];
  const cut = typed.lastIndexOf("/") + 1;
  const [folder, beginning] = [typed.slice(0, cut), typed.slice(cut).toLowerCase()];
  const found: { name: string; isFolder: boolean }[] = [];
  try {
    let seen = 0;
    for await (const entry of await opendir(placeOf(root, folder))) {
      signal.throwIfAborted();
      const { name } = entry;
      const isHidden = name.startsWith(".") && !beginning.startsWith(".");
      if (!isHidden && name.toLowerCase().startsWith(beginning))
        found.push({ name, isFolder: entry.isDirectory() });
      if (++seen >= ENTRIES_MAX) break;
    }
  } catch {
    return []; // no such folder, or not readable
  }
  return found
    .sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name, isFolder }) => folder + name + (isFolder ? "/" : ""));
}

/** Whether a path begins with `/`, `~`, `.` or `..`. */
export const isExplicitPath = (typed: string): boolean => /^(\/|~(\/|$)|\.\.?(\/|$))/.test(typed);

const placeOf = (root: string, folder: string): string =>
  folder.startsWith("~/") ? resolve(homedir(), folder.slice(2)) : resolve(root, folder);
