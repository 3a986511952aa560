import { copyFile, lstat, stat, utimes } from "node:fs/promises";
import { createTimeSlice } from "../../async/time-slice.ts";
import type { GitRunner, GitSettings } from "../git/run-git.ts";
import { shownPath } from "../git/shown-path.ts";

import { joinNul, mustName, mustRun, splitNul } from "./git.ts";
import { exists } from "./repository.ts";

/** A larger file is left out: git would copy it into its store. */
const FILE_BYTES_MAX = 100 * 1024 * 1024;

export type Snapshot = { tree: string; leftOut: string[] };

type SnapshotOptions = {
  git: GitRunner;
  /** Where the files are. */
  files: string;
  /** GIT_INDEX_FILE and what else says where git works. */
  env: Readonly<Record<string, string>>;
  settings?: GitSettings | undefined;
  /** Names no object. */
  zero: string;
  /** More ignored files: lists in git's format. One that is missing counts as empty. */
  excludes?: readonly string[] | undefined;
};

/**
 * Brings an index to the state of the files: tracked ones, and untracked ones that are not ignored. Nested repositories,
 * files that are too large and those that cannot be read stay as the index had them, and are named.
 */
export async function updateIndex(
  { git, files, env, settings, excludes, zero }: SnapshotOptions,
  signal: AbortSignal,
): Promise<{ paths: Buffer[]; leftOut: string[] }> {
  const more: string[] = [];
  for (const list of excludes ?? []) if (await exists(list)) more.push(`--exclude-from=${list}`);
  const listed = await mustRun(
    git,
    "list the changed files",
    { args: ["ls-files", "-z", "-m", "-d", "-o", "--exclude-standard", ...more], env, settings },
    signal,
  );
  const paths: Buffer[] = [];
  const gone: Buffer[] = [];
  const leftOut: string[] = [];
  const slice = createTimeSlice();
  const seen = new Set<string>();
  for (const path of splitNul(listed)) {
    const key = path.toString("latin1");
    if (seen.has(key)) continue;
    seen.add(key);
    if (slice.isOver()) await slice.rest();
    const kind = path.at(-1) === 0x2f ? "left_out" : await kindOf(files, path);
    if (kind === "left_out") leftOut.push(shownPath(path));
    else (kind === "folder" ? gone : paths).push(path);
  }
  if (gone.length > 0)
    await mustRun(
      git,
      "look at the changed files",
      {
        args: ["update-index", "-z", "--index-info"],
        env,
        settings,
        input: joinNul(gone.map((path) => Buffer.concat([Buffer.from(`0 ${zero}\t`), path]))),
      },
      signal,
    );
  if (paths.length > 0)
    await mustRun(
      git,
      "look at the changed files",
      {
        args: ["update-index", "-z", "--add", "--remove", "--replace", "--stdin"],
        env,
        settings,
        input: joinNul(paths),
      },
      signal,
    );
  return { paths, leftOut };
}

/** Git looks into files again that are as old as their index, and would run their filters. */
export const writeTree = async (
  { git, env, settings }: SnapshotOptions,
  signal: AbortSignal,
): Promise<string> =>
  mustName(git, "write a tree", { args: ["write-tree", "--missing-ok"], env, settings }, signal);

/**
 * Copies an index with its time: git looks into files that were written in the same second as their index, and a newer one
 * would make them count as unchanged.
 */
export async function copyIndex(from: string, to: string): Promise<void> {
  const { mtimeMs } = await stat(from);
  await copyFile(from, to);
  const seconds = Math.floor(mtimeMs / 1000);
  await utimes(to, seconds, seconds);
}

/** Bytes of a path below a folder. */
export const pathIn = (folder: string, path: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${folder}/`), path]);

/** `folder`: there is one where the index has a file. A missing file is taken as deleted. */
async function kindOf(files: string, path: Buffer): Promise<"taken" | "folder" | "left_out"> {
  const at = pathIn(files, path);
  try {
    const found = await lstat(at);
    if (found.isDirectory()) return (await isRepository(at)) ? "left_out" : "folder";
    if (found.isSymbolicLink()) return "taken";
    if (!found.isFile() || found.size > FILE_BYTES_MAX) return "left_out";
    return (found.mode & 0o400) === 0 ? "left_out" : "taken";
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    return code === "ENOENT" || code === "ENOTDIR" ? "taken" : "left_out";
  }
}

const isRepository = (folder: Buffer): Promise<boolean> =>
  lstat(Buffer.concat([folder, Buffer.from("/.git")])).then(
    () => true,
    () => false,
  );
