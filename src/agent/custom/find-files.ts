import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { decodeText, readBeginning } from "../files/read-beginning.ts";
import { contains } from "../workspace-path.ts";

/** Larger files are cut: nobody writes that much by hand. */
const BYTES_MAX = 64 * 1024;
const FILES_MAX = 200;
const DEPTH_MAX = 3;

export type FileTexts = Map<string, { stamp: string; text: string | undefined }>;

/**
 * The Markdown files below a folder. With `within`, a link that leads out of that folder is not followed. A folder that
 * is missing, or cannot be read, has none.
 */
export async function findFiles(
  folder: string,
  isWanted: (name: string) => boolean,
  within: string | undefined,
  known: FileTexts,
): Promise<{ name: string; real: string; text: string | undefined }[]> {
  const found: { name: string; real: string; text: string | undefined }[] = [];
  const visited = new Set<string>();

  async function look(at: string, below: string, depth: number): Promise<void> {
    if (depth > DEPTH_MAX || found.length >= FILES_MAX) return;
    try {
      const here = await realpath(at);
      if (visited.has(here) || (within !== undefined && !contains(within, here))) return;
      visited.add(here);
      for (const entry of (await readdir(at, { withFileTypes: true })).sort((a, b) =>
        a.name < b.name ? -1 : 1,
      )) {
        const path = join(at, entry.name);
        const name = below === "" ? entry.name : `${below}/${entry.name}`;
        if (isWanted(name)) await take(path, name);
        else if (entry.isDirectory() || entry.isSymbolicLink()) await look(path, name, depth + 1);
      }
    } catch {
      // there is no such folder
    }
  }

  async function take(path: string, name: string): Promise<void> {
    try {
      const real = await realpath(path);
      if (within !== undefined && !contains(within, real)) return;
      const { mtimeNs, size, ino } = await stat(real, { bigint: true });
      const stamp = `${mtimeNs}:${size}:${ino}`;
      const before = known.get(real);
      if (before?.stamp !== stamp) {
        const beginning = await readBeginning(real, BYTES_MAX);
        known.set(real, { stamp, text: beginning && decodeText(beginning.bytes) });
      }
      if (found.length < FILES_MAX) found.push({ name, real, text: known.get(real)?.text });
    } catch {
      // it went away
    }
  }

  await look(folder, "", 0);
  return found;
}
