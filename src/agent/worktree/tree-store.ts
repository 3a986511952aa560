import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { HearthError } from "../../protocol/errors.ts";
import type { ChangeRow, TreeFile, WorktreePlace } from "./change-row.ts";
import { type GitIn, joinNul, mustName, mustRun, OUTPUT_MAX, splitNul, textOf } from "./git.ts";
import { type Snapshot, updateIndex, writeTree } from "./snapshot.ts";

/** One file of a difference between two trees. */
export type TreeChange = Pick<ChangeRow, "path" | "old_path" | "old" | "new">;

export type TreeEdit = { path: Buffer; file: TreeFile };

/** Reads and writes the git store of a worktree, in which content is kept as the files have it. */
export type TreeStore = ReturnType<typeof createTreeStore>;

/** Of the user's settings only those for ignored files count. */
const plain = { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_SYSTEM: "/dev/null" } as const;

const diffSettings = [
  ["core.quotePath", "true"],
  ["diff.suppressBlankEmpty", "false"],
  ["diff.renameLimit", "1000"],
] as const;

export function createTreeStore(gitIn: GitIn, place: WorktreePlace) {
  // The store's folder is there also when the worktree was removed by hand.
  const git = gitIn(place.store);
  const own = { GIT_DIR: place.store };

  /** Works on an index of its own, which is removed again. */
  async function withIndex<T>(work: (env: Record<string, string>, folder: string) => Promise<T>): Promise<T> {
    const folder = await mkdtemp(join(place.store, "edit-"));
    try {
      return await work({ ...own, ...plain, GIT_INDEX_FILE: join(folder, "index") }, folder);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  return {
    /** The present state of the worktree's files. */
    async snapshot(signal: AbortSignal): Promise<Snapshot> {
      const options = {
        git: gitIn(place.path),
        files: place.path,
        env: { ...own, GIT_WORK_TREE: place.path, GIT_INDEX_FILE: join(place.store, "index") },
        zero: place.zero,
        excludes: [join(place.common_dir, "info", "exclude"), join(dirname(place.store), "exclude")],
      };
      const { leftOut } = await updateIndex(options, signal);
      return { tree: await writeTree(options, signal), leftOut };
    },

    /** The files that differ. With `renames`, a file that moved is one change. */
    async changes(from: string, to: string, renames: boolean, signal: AbortSignal): Promise<TreeChange[]> {
      const args = [
        "diff-tree",
        "-r",
        "-z",
        "--raw",
        "--full-index",
        renames ? "-M" : "--no-renames",
        from,
        to,
      ];
      const env = { ...own, ...plain };
      return rawChanges(
        splitNul(await mustRun(git, "compare the files", { args, env, settings: diffSettings }, signal)),
      );
    },

    /** The difference of two trees, with renames, as git's patch. */
    patch: (from: string, to: string, isBinary: boolean, signal: AbortSignal): Promise<Buffer> =>
      mustRun(
        git,
        "compare the files",
        {
          args: [
            ...["diff-tree", "-r", "-p", "-M", "--no-ext-diff", "--no-textconv", "--no-color", "-U3"],
            ...["--full-index", "--inter-hunk-context=0", "--src-prefix=a/", "--dst-prefix=b/"],
            ...(isBinary ? ["--binary"] : []),
            ...[from, to],
          ],
          env: { ...own, ...plain },
          settings: diffSettings,
        },
        signal,
      ),

    /** A tree that holds these files and nothing else, or these in the place of those of another tree. */
    edit: (tree: string | null, edits: readonly TreeEdit[], signal: AbortSignal): Promise<string> =>
      withIndex(async (env) => {
        if (tree !== null) await mustRun(git, "read a tree", { args: ["read-tree", tree], env }, signal);
        // What is removed goes first: a file may take the place of a folder.
        const sorted = [
          ...edits.filter(({ file }) => file === null),
          ...edits.filter(({ file }) => file !== null),
        ];
        const input = joinNul(
          sorted.map(({ path, file }) =>
            Buffer.concat([
              Buffer.from(file === null ? `0 ${place.zero}\t` : `${file.mode} ${file.oid}\t`),
              path,
            ]),
          ),
        );
        await mustRun(
          git,
          "write a tree",
          { args: ["update-index", "-z", "--index-info"], env, input },
          signal,
        );
        return mustName(git, "write a tree", { args: ["write-tree", "--missing-ok"], env }, signal);
      }),

    /** Sizes in bytes, by object. */
    async sizes(oids: readonly string[], signal: AbortSignal): Promise<Map<string, number>> {
      if (oids.length === 0) return new Map();
      const request = { args: ["cat-file", "--batch-check"], env: own, input: `${oids.join("\n")}\n` };
      const said = textOf(await mustRun(git, "look at the files", request, signal));
      return new Map(
        said.split("\n").map((line) => {
          const [oid = "", , size] = line.split(" ");
          return [oid, Number(size ?? 0)];
        }),
      );
    },

    /** The file at a path of a tree. Its mode is not read. */
    async objectAt(tree: string, path: Buffer, signal: AbortSignal): Promise<string | null> {
      const input = Buffer.concat([Buffer.from(`${tree}:`), path, Buffer.from("\0")]);
      const args = ["cat-file", "--batch-check=%(objectname) %(objecttype)", "-z"];
      const said = textOf(await mustRun(git, "look at a file", { args, env: own, input }, signal));
      return /^([0-9a-f]+) blob$/.exec(said)?.[1] ?? null;
    },

    /** Contents by object. */
    async read(oids: readonly string[], signal: AbortSignal): Promise<Map<string, Buffer>> {
      const wanted = [...new Set(oids)];
      if (wanted.length === 0) return new Map();
      const request = { args: ["cat-file", "--batch"], env: own, input: `${wanted.join("\n")}\n` };
      const said = await mustRun(git, "read the files", { ...request, maxBytes: OUTPUT_MAX * 4 }, signal);
      return objectsIn(said);
    },

    /** Puts contents into the store; their objects, in the same order. */
    async write(contents: readonly Buffer[], signal: AbortSignal): Promise<string[]> {
      if (contents.length === 0) return [];
      return withIndex(async (env, folder) => {
        await Promise.all(contents.map((content, at) => writeFile(join(folder, String(at)), content)));
        const input = contents.map((_, at) => `${join(folder, String(at))}\n`).join("");
        const args = ["hash-object", "-w", "--no-filters", "--stdin-paths"];
        const { GIT_INDEX_FILE: _, ...rest } = env;
        return textOf(await mustRun(git, "write the files", { args, env: rest, input }, signal)).split("\n");
      });
    },
  };
}

/** Of `git diff-tree --raw -z`. */
function rawChanges(parts: readonly Buffer[]): TreeChange[] {
  const changes: TreeChange[] = [];
  for (let at = 0; at < parts.length; ) {
    const head = /^:(\d+) (\d+) ([0-9a-f]+) ([0-9a-f]+) ([A-Z])/.exec(parts[at]?.toString("latin1") ?? "");
    const first = parts[at + 1];
    if (head === null || first === undefined) throw new Error("git's list of changes cannot be read");
    const [, oldMode = "", newMode = "", oldOid = "", newOid = "", letter] = head;
    const isMoved = letter === "R" || letter === "C";
    const second = isMoved ? parts[at + 2] : undefined;
    changes.push({
      path: second ?? first,
      old_path: second === undefined ? null : first,
      old: fileOf(oldMode, oldOid),
      new: fileOf(newMode, newOid),
    });
    at += isMoved ? 3 : 2;
  }
  return changes;
}

const fileOf = (mode: string, oid: string): TreeFile => (mode === "000000" ? null : { mode, oid });

/** Of `git cat-file --batch`. */
function objectsIn(said: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (let at = 0; at < said.length; ) {
    const end = said.indexOf(10, at);
    if (end === -1)
      throw new HearthError("git_failed", "git could not read the files: its answer is cut off.");
    const [oid = "", , size] = said.toString("latin1", at, end).split(" ");
    if (size === undefined) {
      at = end + 1; // missing
      continue;
    }
    const from = end + 1;
    found.set(oid, said.subarray(from, from + Number(size)));
    at = from + Number(size) + 1;
  }
  return found;
}
