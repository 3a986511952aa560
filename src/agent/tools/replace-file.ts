import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, chmod, chown, link, lstat, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Where a folder may not be written to or its file is a mount of its own, the file itself may still be. */
const inPlaceCodes: ReadonlySet<unknown> = new Set(["EACCES", "EPERM", "EBUSY", "EXDEV"]);

export type Replaced = {
  stats: Stats;
  /** Why the file itself was written to, and no new one put in its place; undefined where one was. */
  inPlace: string | undefined;
};

/**
 * Puts new content in the place of a file, all of it or none, with the mode of the old one. `path` must be real:
 * a link that has taken its place meanwhile is replaced, not followed. Not synced: it has to survive our own
 * death, not the machine's. A file with other names, or of another owner, is written to itself: a new one in its
 * place would be neither. What it held is put back when that fails half-way.
 */
export async function replaceFile(
  path: string,
  bytes: Buffer,
  old: { stats: Stats; bytes: Buffer },
): Promise<Replaced> {
  const inPlace = reasonInPlace(old.stats);
  if (inPlace === undefined)
    return replaceWhole(path, bytes, old.stats).catch((error: unknown) => {
      throw toldOf(path, error);
    });
  // Beside it until it is done: who is killed half-way leaves the whole of it there.
  const copy = await writeBeside(path, bytes).catch(() => undefined); // no room, or no right: then without
  try {
    await writeInPlace(path, bytes);
  } catch (error) {
    await writeInPlace(path, old.bytes).catch(() => {}); // the first failure is the one to tell
    throw error;
  } finally {
    if (copy !== undefined) await unlink(copy).catch(() => {}); // swept away already
  }
  return { stats: await lstat(path), inPlace };
}

function reasonInPlace({ nlink, uid, gid }: Stats): string | undefined {
  if (nlink > 1) return `it has ${nlink} names (hard links)`;
  const mine = process.getuid?.();
  if (mine === undefined || mine === 0) return undefined; // an owner that can be given back
  if (uid !== mine) return "it belongs to another user";
  const groups = [process.getgid?.(), ...(process.getgroups?.() ?? [])];
  return groups.includes(gid) ? undefined : "it belongs to a group that is not yours";
}

async function replaceWhole(path: string, bytes: Buffer, old: Stats): Promise<Replaced> {
  let temporary: string | undefined;
  try {
    temporary = await writeBeside(path, bytes);
    // Before the mode: a change of owner takes the set-user-id bits away.
    await keepOwner(temporary, old);
    await chmod(temporary, old.mode & 0o7777);
    await rename(temporary, path);
  } catch (error) {
    if (temporary !== undefined) await unlink(temporary).catch(() => {}); // the first failure is the one to tell
    if (!(error instanceof Error && "code" in error && inPlaceCodes.has(error.code))) throw error;
    await writeInPlace(path, bytes);
  }
  return { stats: await lstat(path), inPlace: undefined };
}

async function keepOwner(path: string, old: Stats): Promise<void> {
  const now = await lstat(path);
  if (now.uid !== old.uid || now.gid !== old.gid) await chown(path, old.uid, old.gid);
}

/**
 * Whether a file is not to be written, although its folder would let it be replaced: as an editor does, whoever
 * protected it is asked first.
 */
export async function isWriteProtected(path: string, { mode }: Stats): Promise<boolean> {
  if ((mode & 0o222) === 0) return true; // for root, too
  return access(path, constants.W_OK).then(
    () => false,
    () => true,
  );
}

export const readOnlyText = ({ mode }: Stats): string =>
  `read-only (mode ${(mode & 0o777).toString(8).padStart(4, "0")})`;

/** Makes a file and the folders above it; EEXIST when one came there meanwhile. */
export async function createFile(path: string, bytes: Buffer): Promise<Stats> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = await writeBeside(path, bytes).catch((error: unknown) => {
    throw toldOf(path, error);
  });
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

const temporaryName = /\/\.hearth-[0-9a-f]{16}\.tmp$/;

/** What the system refused for the file beside it, said of the file that was asked for. */
function toldOf(path: string, error: unknown): unknown {
  if (!(error instanceof Error && "path" in error && temporaryName.test(String(error.path)))) return error;
  const { code, errno, syscall } = error as NodeJS.ErrnoException;
  const message = error.message.replaceAll(String(error.path), path);
  return Object.assign(new Error(message, { cause: error }), { code, errno, syscall, path });
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
    await handle.writeFile(bytes);
    await handle.truncate(bytes.length);
  } finally {
    await handle.close();
  }
}
