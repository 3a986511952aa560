import { accessSync, constants, lstatSync, type Stats } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createTimeSlice } from "../../async/time-slice.ts";
import { HearthError } from "../../protocol/errors.ts";
import { objectIdIn } from "../git/why-failed.ts";
import { absolute, pathBytes, type RawPath, rawPath } from "./file-state.ts";
import { EMPTY_TREE, failure, type GitStore, pathList, storeAttributes, unavailable } from "./git-store.ts";
import { excludesBelow, ownExcludes, type WorkTree } from "./place.ts";

/** A larger file that is new is left out, and named. */
export const FILE_BYTES_MAX = 16 * 1024 * 1024;
/** A folder with more new files than this is no project. */
const FILES_MAX = 300_000;
/** From here on new contents go into one pack, not into a file each. */
const PACKED_MIN = 200;
const LEFT_OUT_NAMED = 20;
/** Files of 16 MB at most. */
const READ_AT_ONCE = 16;

export type Snapshot = {
  /** The id of the tree: equal for equal folders. */
  tree: string;
  /** New files that are not in it, with the reason; the first of them. */
  left_out: { path: RawPath; reason: string }[];
};

/** Records what a folder holds. One call at a time. */
export function createSnapshots(
  store: GitStore,
  root: string,
  { base, prefix }: WorkTree,
  limits: { bytesMax: number; globalExcludes: string },
) {
  const indexFile = join(store.dir, prefix === "" ? "index" : "index-inner");
  const env = { GIT_WORK_TREE: base, GIT_INDEX_FILE: indexFile };
  const nested = new Set<RawPath>();
  let excludes: string | null = null;
  /** The tree of the index as it stands. */
  let last: string | null = null;

  async function writeExcludes() {
    const inner = await Promise.all(
      [...nested].map(async (folder) =>
        excludesBelow(prefixed(folder), await ownExcludes(join(root, pathBytes(folder).toString()))),
      ),
    );
    const text = [limits.globalExcludes, await ownExcludes(base), ...inner].join("\n");
    if (text === excludes) return;
    await writeFile(join(store.dir, "excludes"), text, { encoding: "latin1", mode: 0o600 });
    await writeFile(join(store.dir, "info", "attributes"), storeAttributes, { mode: 0o600 });
    excludes = text;
  }
  const prefixed = (path: RawPath) => (prefix === "" ? path : `${rawPath(Buffer.from(prefix))}/${path}`);

  /** What differs from the index: tagged "?" new, "C" changed, "R" removed. */
  async function listed(signal: AbortSignal): Promise<[tag: string, path: RawPath][]> {
    const args = ["ls-files", "-z", "-t", "-m", "-d", "-o", "--exclude-standard"];
    const out = rawPath(await store.git({ args, env, cwd: root }, signal));
    const byPath = new Map(
      out
        .split("\0")
        .filter(Boolean)
        .map((line) => [line.slice(2), line.slice(0, 1)]),
    );
    return [...byPath].map(([path, tag]) => [tag, path]);
  }

  /** The files of a repository inside the folder, which git by itself takes for one thing. */
  async function filesOfNested(folder: RawPath, signal: AbortSignal): Promise<[string, RawPath][]> {
    const top = absolute(root, folder).toString();
    const file = join(store.dir, "excludes-nested");
    const empty = join(store.dir, "index-nested");
    await writeFile(file, await ownExcludes(top), { encoding: "latin1", mode: 0o600 });
    await rm(empty, { force: true });
    const out = await store.git(
      {
        args: ["ls-files", "-z", "-o", "--exclude-standard"],
        env: { GIT_WORK_TREE: top, GIT_INDEX_FILE: empty },
        settings: [["core.excludesFile", file]],
        cwd: top,
      },
      signal,
    );
    return withNested(
      rawPath(out)
        .split("\0")
        .filter(Boolean)
        .map((path) => ["?", `${folder}/${path}`]),
      signal,
    );
  }

  async function withNested(found: [string, RawPath][], signal: AbortSignal): Promise<[string, RawPath][]> {
    const all: [string, RawPath][] = [];
    for (const [tag, path] of found) {
      if (!path.endsWith("/")) {
        all.push([tag, path]);
        continue;
      }
      const folder = path.slice(0, -1);
      nested.add(folder);
      for (const entry of await filesOfNested(folder, signal)) all.push(entry);
    }
    return all;
  }

  /** Which of them can be recorded. */
  async function sorted(found: [string, RawPath][]) {
    const paths: RawPath[] = [];
    const contents: RawPath[] = [];
    const gone: RawPath[] = [];
    const leftOut: Snapshot["left_out"] = [];
    const slice = createTimeSlice();
    let bytes = 0;
    for (const [tag, path] of found) {
      await slice.rest();
      const stats = statsNow(absolute(root, path));
      const reason =
        stats?.isFile() && !isReadable(absolute(root, path))
          ? "it cannot be read"
          : tag === "?" && stats?.isFile() && stats.size > FILE_BYTES_MAX
            ? "larger than 16 MB"
            : null;
      if (reason !== null) leftOut.push({ path, reason });
      else if (stats === undefined || stats.isSymbolicLink()) paths.push(path);
      else if (!stats.isFile() && tag !== "?") gone.push(path);
      else if (stats.isFile()) {
        paths.push(path);
        contents.push(path);
        bytes += stats.size;
      }
      if (paths.length > FILES_MAX) throw tooLarge(`has more than ${FILES_MAX} files that are not ignored`);
      if (bytes > limits.bytesMax)
        throw tooLarge(
          `has more than ${limits.bytesMax} bytes to record, the most that limits.checkpoint_bytes allows`,
        );
    }
    return { paths, contents, gone, leftOut };
  }

  /** Puts contents into the store in one pack: a file each takes several times as long. What is missed here is added later. */
  async function packContents(paths: readonly RawPath[], signal: AbortSignal) {
    const files = (async function* () {
      for (let from = 0; from < paths.length; from += READ_AT_ONCE) {
        const some = paths.slice(from, from + READ_AT_ONCE);
        const contents = await Promise.all(
          some.map((path) => readFile(absolute(root, path)).catch(() => null)),
        );
        for (const bytes of contents)
          if (bytes !== null)
            yield Buffer.concat([Buffer.from(`blob\ndata ${bytes.length}\n`), bytes, Buffer.from("\n")]);
      }
    })();
    await store.git({ args: ["fast-import", "--quiet", "--depth=0"], input: files }, signal);
  }

  async function updateIndex(how: string[], paths: readonly RawPath[], signal: AbortSignal) {
    if (paths.length === 0) return;
    const args = ["update-index", "-z", ...how, "--stdin"];
    await store.git({ args, env, cwd: root, input: pathList(paths) }, signal);
  }

  return {
    /** Throws HearthError files_unavailable for a folder that is too large, and what git says. */
    async take(signal: AbortSignal): Promise<Snapshot> {
      await writeExcludes();
      const found = await withNested(await listed(signal), signal);
      const { paths, contents, gone, leftOut } = await sorted(found);
      if (paths.length + gone.length > 0) {
        last = null;
        if (nested.size > 0) await writeExcludes();
        if (contents.length >= PACKED_MIN) await packContents(contents, signal);
        await updateIndex(["--force-remove"], gone, signal);
        await updateIndex(["--add", "--remove", "--replace"], paths, signal);
      }
      last ??= await writeTree(signal);
      return { tree: last, left_out: leftOut.slice(0, LEFT_OUT_NAMED) };
    },
    indexFile,
  };

  async function writeTree(signal: AbortSignal): Promise<string> {
    const args = ["write-tree", ...(prefix === "" ? [] : [`--prefix=${prefix}/`])];
    const written = await store.tryGit({ args, env, cwd: root }, signal);
    const tree = written.code === 0 ? objectIdIn(written.stdout) : undefined;
    if (tree !== undefined) return tree;
    if (prefix !== "" && written.stderr.includes("not found")) return EMPTY_TREE;
    throw written.code === 0
      ? unavailable("git write-tree failed: its answer names no object")
      : failure("write-tree", written);
  }
}

/** Undefined where nothing is. */
function statsNow(path: Buffer): Stats | undefined {
  try {
    return lstatSync(path);
  } catch {
    return undefined; // a folder on the way is a file now, or may not be entered
  }
}

function isReadable(path: Buffer): boolean {
  try {
    accessSync(path, constants.R_OK);
    return true;
  } catch {
    return false;
  }
}

const tooLarge = (why: string) =>
  new HearthError("files_unavailable", `No checkpoint could be made: the folder ${why}.`);
