import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { access, chmod, chown, link, lstat, mkdir, open, rename, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/** With these errors (a read-only folder, a file that is a mount point) the file itself may still be writable. */
const inPlaceCodes: ReadonlySet<unknown> = new Set(["EACCES", "EPERM", "EBUSY", "EXDEV"]);

export type Replaced = {
  stats: Stats;
  /** Why the file was overwritten in place; undefined if it was replaced. */
  inPlace: string | undefined;
};

/**
 * Replaces a file's content atomically, and keeps its mode. `path` must be real: a link that has meanwhile taken its
 * place is replaced, not followed. Not synced: it must survive a crash of the daemon, not of the machine. A file with
 * hard links or another owner is overwritten in place, to keep both; its old content is restored if that fails.
 */
export async function replaceFile(
  path: string,
  bytes: Buffer,
  old: { stats: Stats; bytes: Buffer },
): Promise<Replaced> {
  const inPlace = reasonInPlace(old.stats);
  if (inPlace === undefined)
    return replaceWhole(path, bytes, old.stats).catch((error: unknown) => {
      throw withTargetPath(path, error);
    });
  // A copy next to it until it is done, so that the whole content survives if hearth is killed meanwhile.
  const copy = await writeBeside(path, bytes).catch(() => undefined); // no space or no permission: continue without
  try {
    await writeInPlace(path, bytes);
  } catch (error) {
    await writeInPlace(path, old.bytes).catch(() => {}); // report the first error
    throw error;
  } finally {
    if (copy !== undefined) await unlink(copy).catch(() => {}); // it is already deleted
  }
  return { stats: await lstat(path), inPlace };
}

function reasonInPlace({ nlink, uid, gid }: Stats): string | undefined {
  if (nlink > 1) return `it has ${nlink} names (hard links)`;
  const mine = process.getuid?.();
  if (mine === undefined || mine === 0) return undefined; // root can restore the owner
  if (uid !== mine) return "it belongs to another user";
  const groups = [process.getgid?.(), ...(process.getgroups?.() ?? [])];
  return groups.includes(gid) ? undefined : "it belongs to a group that is not yours";
}

async function replaceWhole(path: string, bytes: Buffer, old: Stats): Promise<Replaced> {
  let temporary: string | undefined;
  try {
    temporary = await writeBeside(path, bytes);
    // Before the mode: changing the owner clears the set-user-id bits.
    await keepOwner(temporary, old);
    await chmod(temporary, old.mode & 0o7777);
    await rename(temporary, path);
  } catch (error) {
    if (temporary !== undefined) await unlink(temporary).catch(() => {}); // report the first error
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
 * Whether a file is read-only, although its folder would allow replacing it. Like an editor, hearth does not override
 * that without asking.
 */
export async function isWriteProtected(path: string, { mode }: Stats): Promise<boolean> {
  if ((mode & 0o222) === 0) return true; // root could write it anyway
  return access(path, constants.W_OK).then(
    () => false,
    () => true,
  );
}

export const readOnlyText = ({ mode }: Stats): string =>
  `read-only (mode ${(mode & 0o777).toString(8).padStart(4, "0")})`;

/** Creates a file and its parent folders. Throws EEXIST if the file exists. */
export async function createFile(path: string, bytes: Buffer): Promise<Stats> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = await writeBeside(path, bytes).catch((error: unknown) => {
    throw withTargetPath(path, error);
  });
  try {
    await link(temporary, path);
  } catch (error) {
    // Any other error means a file system without hard links.
    if (error instanceof Error && "code" in error && error.code === "EEXIST") throw error;
    const handle = await open(path, "wx");
    await handle.writeFile(bytes).finally(() => handle.close());
  } finally {
    await unlink(temporary);
  }
  return lstat(path);
}

const temporaryName = /\/\.hearth-[0-9a-f]{16}\.tmp$/;

/** An error about the temporary file, rewritten to name the requested file. */
function withTargetPath(path: string, error: unknown): unknown {
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
