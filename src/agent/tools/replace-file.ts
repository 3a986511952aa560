import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { chmod, chown, link, lstat, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Where a folder may not be written to or its file is a mount of its own, the file itself may still be. */
const inPlaceCodes: ReadonlySet<unknown> = new Set(["EACCES", "EPERM", "EBUSY", "EXDEV"]);

/**
 * Puts new content in the place of a file, all of it or none, with the mode of the old one. `path` must be real:
 * a link that has taken its place meanwhile is replaced, not followed. Not synced: it has to survive our own
 * death, not the machine's.
 */
export async function replaceFile(path: string, bytes: Buffer, old: Stats): Promise<Stats> {
  let temporary: string | undefined;
  try {
    temporary = await writeBeside(path, bytes);
    await chmod(temporary, old.mode & 0o7777);
    if (process.getuid?.() === 0) await chown(temporary, old.uid, old.gid);
    await rename(temporary, path);
  } catch (error) {
    if (temporary !== undefined) await unlink(temporary).catch(() => {}); // the first failure is the one to tell
    if (!(error instanceof Error && "code" in error && inPlaceCodes.has(error.code))) throw error;
    await writeInPlace(path, bytes);
  }
  return lstat(path);
}

/** Makes a file and the folders above it; EEXIST when one came there meanwhile. */
export async function createFile(path: string, bytes: Buffer): Promise<Stats> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = await writeBeside(path, bytes);
  try {
    await link(temporary, path);
  } catch (error) {
    // EEXIST is the answer; whatever else means a file system without hard links.
    if (error instanceof Error && "code" in error && error.code === "EEXIST") throw error;
    const handle = await open(path, "wx");
    await handle.writeFile(bytes).finally(() => handle.close());
  } finally {
    await unlink(temporary);
  }
  return lstat(path);
}

async function writeBeside(path: string, bytes: Buffer): Promise<string> {
  const temporary = join(dirname(path), `.hearth-${randomBytes(8).toString("hex")}.tmp`);
  const handle = await open(temporary, "wx");
  try {
    await handle.writeFile(bytes);
  } catch (error) {
    await unlink(temporary);
    throw error;
  } finally {
    await handle.close();
  }
  return temporary;
}

async function writeInPlace(path: string, bytes: Buffer): Promise<void> {
  const handle = await open(path, constants.O_WRONLY | constants.O_NOFOLLOW);
  try {
    await handle.truncate(0);
    await handle.writeFile(bytes);
  } finally {
    await handle.close();
  }
}
