import { opendir } from "node:fs/promises";
import { homedir } from "node:os";
import { resolve } from "node:path";

/** Looked at in one folder; who has more types more letters. */
const ENTRIES_MAX = 20_000;

/**
 * What a folder holds that begins with the last part of `typed`, as paths in the way it was typed: `/etc/ho` gives
 * `/etc/hosts`, `~/` what is at home, `dist/` what is in there although it is ignored. Folders end in a slash.
 */
export async function namesAt(
  root: string,
  typed: string,
  limit: number,
  signal: AbortSignal,
): Promise<string[]> {
  // Nothing is reached by climbing: who wants what is elsewhere names it from the top.
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
    return []; // no such folder, or none that may be read
  }
  return found
    .sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name, isFolder }) => folder + name + (isFolder ? "/" : ""));
}

/** Whether a path says where it begins: from the top, from home, from here, from above. */
export const saysWhere = (typed: string): boolean => /^(\/|~(\/|$)|\.\.?(\/|$))/.test(typed);

const placeOf = (root: string, folder: string): string =>
  folder.startsWith("~/") ? resolve(homedir(), folder.slice(2)) : resolve(root, folder);
