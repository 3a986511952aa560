import { randomBytes } from "node:crypto";
import { lstat, mkdir, mkdtemp, open, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OutputFile } from "./output.ts";

const KEPT_MS = 24 * 3600 * 1000;
const namePattern = /^[a-z]+-[0-9a-f]{16}\.txt$/;

/**
 * A private folder in the temp folder for output that is too long to show. The model can read and search its files. They
 * are deleted after a day.
 */
export type OutputFolder = {
  /** undefined if no file can be created. */
  create(prefix: string): Promise<OutputFile | undefined>;
};

export function createOutputFolder(): OutputFolder {
  let folder: Promise<string> | undefined;
  return {
    async create(prefix) {
      try {
        folder ??= prepareFolder();
        const path = join(await folder, `${prefix}-${randomBytes(8).toString("hex")}.txt`);
        return { path, handle: await open(path, "wx", 0o600) };
      } catch {
        folder = undefined; // the folder was deleted, or the disk is full: the next call tries again
        return undefined;
      }
    },
  };
}

/** Where long output is kept for the model to read; private to the user. */
export const sharedOutputFolder = (): string => join(tmpdir(), `hearth-output-${process.getuid?.() ?? 0}`);

async function prepareFolder(): Promise<string> {
  const uid = process.getuid?.() ?? 0;
  const shared = sharedOutputFolder();
  await mkdir(shared, { mode: 0o700 }).catch(() => {}); // it exists already: checked below
  const stats = await lstat(shared);
  const isOurs = stats.isDirectory() && stats.uid === uid && (stats.mode & 0o077) === 0;
  if (!isOurs) return mkdtemp(join(tmpdir(), "hearth-output-"));
  await deleteOld(shared);
  return shared;
}

async function deleteOld(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!namePattern.test(name)) continue;
    const path = join(folder, name);
    const stats = await lstat(path).catch(() => undefined); // another daemon deleted it
    if (stats !== undefined && Date.now() - stats.mtimeMs > KEPT_MS) await rm(path, { force: true });
  }
}
