import { chmod, link, mkdir, rename, rm, rmdir, symlink, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pathIn } from "./snapshot.ts";
import { type FileState, isSame, LINK_MODE, lookAt, readTreeFile } from "./tree-files.ts";

/** One file of a set; null: there is none. */
export type FileWrite = {
  path: Buffer;
  before: FileState | null;
  after: FileState | null;
  permissions: number | null;
};

/** What is stored about a set before its first file is written, so that a killed daemon leaves no half of it. */
export type WriteRecord = {
  id: string;
  top: string;
  /** Holds what the files were and will be. */
  folder: string;
  files: { path: string; before: string | null; after: string | null; permissions: number | null }[];
};

/** The folders from the top down to the file that are there; no link is followed. */
async function foldersOf(top: string, path: Buffer): Promise<Buffer[]> {
  const folders: Buffer[] = [Buffer.alloc(0)];
  for (let slash = path.indexOf(0x2f); slash !== -1; slash = path.indexOf(0x2f, slash + 1)) {
    const folder = path.subarray(0, slash);
    if (!(await lookAt(pathIn(top, folder)))?.isDirectory()) break;
    folders.push(path.subarray(0, slash + 1));
  }
  return folders;
}

const stagedIn = ({ id, top }: WriteRecord, at: number, folder: Buffer): Buffer =>
  pathIn(top, Buffer.concat([folder, Buffer.from(`.hearth-${id}-${at}`)]));

/** The old file: another name of it. At the top, because its own folder may have to go. */
const keptAt = ({ id, top }: WriteRecord, at: number): string => join(top, `.hearth-${id}-${at}.old`);

/** Where a file lies before it gets its name: as near to its place as there is a folder. */
async function stagedAt(record: WriteRecord, at: number, path: Buffer): Promise<Buffer> {
  const folders = await foldersOf(record.top, path);
  for (const folder of folders.reverse()) {
    const staged = stagedIn(record, at, folder);
    if ((await lookAt(staged)) !== undefined) return staged;
  }
  return stagedIn(record, at, folders[0] ?? Buffer.alloc(0));
}

type Staged = Pick<FileWrite, "path" | "after" | "permissions">;

/** Writes a file beside its place. */
export async function stage(record: WriteRecord, at: number, { path, after, permissions }: Staged) {
  if (after === null) return;
  const staged = await stagedAt(record, at, path);
  if (after.mode === LINK_MODE) return symlink(after.content, staged);
  const isExecutable = after.mode === "100755";
  await writeFile(staged, after.content, { flag: "wx", mode: isExecutable ? 0o777 : 0o666 });
  if (permissions !== null) await chmod(staged, withExecution(permissions, isExecutable));
}

/** Gives a staged file its name, or deletes one. The old one is kept, so that to put it back needs no space. */
export async function place(
  record: WriteRecord,
  at: number,
  { path, before, after }: FileWrite,
  keeps = true,
) {
  const target = pathIn(record.top, path);
  // Some file systems have no second names; then the old content is written again.
  if (keeps && before !== null && before.mode !== LINK_MODE)
    await link(target, keptAt(record, at)).catch(() => {});
  if (after === null) {
    await unlink(target);
    return pruneFolders(record.top, path);
  }
  const staged = await stagedAt(record, at, path);
  await makeFolderOf(record.top, path);
  await rename(staged, target);
}

async function makeFolderOf(top: string, path: Buffer) {
  const slash = path.lastIndexOf(0x2f);
  if (slash !== -1) await mkdir(pathIn(top, path.subarray(0, slash)), { recursive: true });
}

/** Removes what was written and got no name, in this attempt or in one that was killed. */
export async function removeStaged(record: WriteRecord, writes: readonly Pick<FileWrite, "path">[]) {
  for (const [at, { path }] of writes.entries())
    for (const folder of await foldersOf(record.top, path))
      await rm(stagedIn(record, at, folder), { force: true }).catch(() => {});
}

/** Removes the old files: nothing has to be put back any more. */
export async function removeKept(record: WriteRecord, writes: readonly unknown[]) {
  for (const at of writes.keys()) await rm(keptAt(record, at), { force: true });
}

/** Who may read a file may also run it; nobody else. */
const withExecution = (permissions: number, isExecutable: boolean): number =>
  isExecutable
    ? (permissions & 0o111) === 0
      ? permissions | ((permissions & 0o444) >> 2)
      : permissions
    : permissions & ~0o111;

/** As git does: a folder goes with its last file. */
async function pruneFolders(top: string, path: Buffer) {
  for (let slash = path.lastIndexOf(0x2f); slash > 0; slash = path.lastIndexOf(0x2f, slash - 1)) {
    try {
      await rmdir(pathIn(top, path.subarray(0, slash)));
    } catch {
      return; // not empty
    }
  }
}

/** Puts back what was there, unless somebody has changed the file since. Returns whether that is so now. */
export async function takeBack(record: WriteRecord, at: number, write: FileWrite): Promise<boolean> {
  const { path, before, after } = write;
  try {
    const found = await readTreeFile(record.top, path);
    if (found.kind === "folder" || found.kind === "blocked") return true;
    const now = found.kind === "file" ? found.state : null;
    if (!isSame(now, after) || isSame(before, after)) return true;
    const kept = keptAt(record, at);
    if (before !== null && (await lookAt(kept)) !== undefined) {
      await makeFolderOf(record.top, path);
      await rename(kept, pathIn(record.top, path));
      return true;
    }
    const back = { ...write, before: after, after: before };
    await stage(record, at, back);
    await place(record, at, back, false);
    return true;
  } catch {
    return false; // the caller says which files these are
  }
}
