import { createHash } from "node:crypto";
import { realpath, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { readBeginning } from "../../agent/files/read-beginning.ts";
import { contains } from "../../agent/workspace-path.ts";

/** A larger file is known by its size and time. */
const HASHED_BYTES_MAX = 4 * 1024 * 1024;
const WORDS_MAX = 64;
/** Package managers run what this file says. */
const scriptRunners = new Set(["npm", "pnpm", "yarn", "bun", "npx", "bunx"]);

export type FileHashes = Map<string, { stamp: string; hash: string }>;

/**
 * The content hashes of the workspace's files that a command names, so that trust ends when one of them changes.
 * `known` keeps hashes between calls.
 */
export async function hashesOfNamedFiles(
  root: string,
  words: readonly string[],
  known: FileHashes,
): Promise<string[]> {
  const program = words[0]?.split("/").at(-1) ?? "";
  const names = new Set([
    ...words.slice(0, WORDS_MAX),
    ...(scriptRunners.has(program) ? ["package.json"] : []),
  ]);
  const hashes = [];
  for (const name of names) {
    const hash = await hashOf(root, name, known);
    if (hash !== undefined) hashes.push(`${name}:${hash}`);
  }
  return hashes;
}

async function hashOf(root: string, name: string, known: FileHashes): Promise<string | undefined> {
  try {
    const path = await realpath(resolve(root, name));
    if (!contains(root, path)) return undefined;
    const found = await stat(path, { bigint: true });
    if (!found.isFile()) return undefined;
    const stamp = `${found.mtimeNs}:${found.ctimeNs}:${found.size}:${found.ino}`;
    const before = known.get(path);
    if (before?.stamp === stamp) return before.hash;
    const beginning = found.size > HASHED_BYTES_MAX ? undefined : await readBeginning(path, HASHED_BYTES_MAX);
    const hash = createHash("sha256")
      .update(beginning?.bytes ?? stamp)
      .digest("hex");
    known.set(path, { stamp, hash });
    return hash;
  } catch {
    return undefined; // it names no file
  }
}
