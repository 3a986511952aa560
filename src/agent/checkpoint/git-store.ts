import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { HearthError } from "../../protocol/errors.ts";
import { createGitRunner, type GitRequest, type GitResult, type GitSettings } from "../git/run-git.ts";
import { saidBy, whyNotStarted } from "../git/why-failed.ts";
import type { ProcessSupervisor } from "../process/types.ts";
import { type FileState, pathBytes, type RawPath, rawPath } from "./file-state.ts";
import type { FileChange } from "./plan.ts";

/** The tree of a folder without files. Git knows it without being told. */
export const EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
const NO_MODE = "000000";
/** Lists of paths: 300,000 of them, 200 bytes each. */
const LIST_BYTES_MAX = 64 * 1024 * 1024;
/** Contents read from the store at once. */
const BATCH_BYTES = 32 * 1024 * 1024;

/** Bytes are kept as they are: nothing that a repository or a user has configured may change them, or run. */
const settings: GitSettings = [
  ["core.attributesFile", "/dev/null"],
  ["core.autocrlf", "false"],
  ["core.bare", "false"],
  ["core.checkStat", "default"],
  ["core.commitGraph", "false"],
  ["core.compression", "1"],
  ["core.fileMode", "true"],
  ["core.ignoreCase", "false"],
  ["core.precomposeUnicode", "false"],
  ["core.protectHFS", "false"],
  ["core.protectNTFS", "false"],
  ["core.safecrlf", "false"],
  // Whatever the umask, what git writes is its user's alone.
  ["core.sharedRepository", "0600"],
  ["core.sparseCheckout", "false"],
  ["core.symlinks", "true"],
  ["fastimport.unpackLimit", "1"],
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["pack.compression", "1"],
];
/** Wins over the attributes of every folder. */
export const storeAttributes = "* -text !eol -filter -ident !working-tree-encoding !diff\n";

export type GitStore = ReturnType<typeof createGitStore>;

/** A git store of our own: its objects and its index are the only things it writes. `dir` is its GIT_DIR. */
export function createGitStore(deps: {
  dir: string;
  processes: ProcessSupervisor;
  env: Readonly<Record<string, string>>;
}) {
  const { dir } = deps;
  const env: Record<string, string> = {
    PATH: deps.env["PATH"] ?? "/usr/bin:/bin",
    ...(deps.env["TMPDIR"] === undefined ? {} : { TMPDIR: deps.env["TMPDIR"] }),
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_DEFAULT_HASH: "sha1",
    GIT_LITERAL_PATHSPECS: "1",
    HOME: dir,
    XDG_CONFIG_HOME: dir,
    GIT_DIR: dir,
  };
  const owner = "hearth-checkpoints";

  /** Runs git in `cwd`. Throws where it fails. */
  async function git(request: GitRequest & { cwd?: string }, signal: AbortSignal): Promise<Buffer> {
    const result = await tryGit(request, signal);
    if (result.code === 0) return result.stdout;
    throw failure(request.args[0] ?? "", result);
  }

  async function tryGit(
    { cwd = dir, ...request }: GitRequest & { cwd?: string },
    signal: AbortSignal,
  ): Promise<GitResult> {
    const run = createGitRunner(deps.processes, { root: cwd, env, owner });
    const own: GitSettings = [...settings, ["core.excludesFile", join(dir, "excludes")]];
    const all = [...own, ...(request.settings ?? [])];
    return run({ maxBytes: LIST_BYTES_MAX, ...request, settings: all }, signal).catch((cause: unknown) => {
      const why = whyNotStarted(cause);
      throw why === undefined ? cause : unavailable(`${why}, and checkpoints need it`);
    });
  }

  return {
    dir,
    git,
    tryGit,
    /** Makes the store where there is none. Throws files_unavailable where git is missing, too old or broken. */
    async make(signal: AbortSignal): Promise<void> {
      await mkdir(dir, { recursive: true, mode: 0o700 });
      await git({ args: ["init", "--quiet", "--bare", "--template=", dir], env: { GIT_DIR: dir } }, signal);
      await mkdir(join(dir, "info"), { recursive: true, mode: 0o700 });
      // A killed daemon's git may have left it. Nobody else writes here.
      for (const lock of ["index.lock", "config.lock", "packed-refs.lock"])
        await rm(join(dir, lock), { force: true });
    },
    /** What differs between two trees. */
    async changes(before: string, after: string, signal: AbortSignal): Promise<FileChange[]> {
      if (before === after) return [];
      const args = ["diff-tree", "-r", "-z", "--raw", "--no-renames", "--full-index", before, after];
      const changes = parseRaw(await git({ args }, signal));
      if (changes.length === 0) throw unavailable("git finds no difference between two trees that differ");
      return changes;
    },
    /** Added and deleted lines between two trees; a binary file counts none. */
    async lineCounts(before: string, after: string, signal: AbortSignal) {
      const args = ["diff-tree", "-r", "-z", "--numstat", "--no-renames", "--no-ext-diff", "--no-textconv"];
      const counts = { additions: 0, deletions: 0 };
      if (before === after) return counts;
      const listed = await git({ args: [...args, before, after] }, signal);
      for (const line of listed.toString("latin1").split("\0")) {
        const [added, deleted] = line.split("\t").map(Number);
        counts.additions += added || 0;
        counts.deletions += deleted || 0;
      }
      return counts;
    },
    /** The folders of a tree. */
    async folders(tree: string, signal: AbortSignal): Promise<Set<RawPath>> {
      const listed = await git({ args: ["ls-tree", "-r", "-d", "-z", "--name-only", tree] }, signal);
      return new Set(rawPath(listed).split("\0").filter(Boolean));
    },
    /** Gives each content once, in the order asked for. */
    async *contents(oids: readonly string[], signal: AbortSignal): AsyncGenerator<Buffer> {
      const sizes = await sizesOf(oids, signal);
      for (let at = 0; at < oids.length; ) {
        let end = at;
        let bytes = 0;
        do bytes += (sizes[end++] ?? 0) + 100;
        while (end < oids.length && bytes + (sizes[end] ?? 0) <= BATCH_BYTES);
        const batch = oids.slice(at, end);
        const out = await git(
          { args: ["cat-file", "--batch"], input: lines(batch), maxBytes: bytes + 1024 },
          signal,
        );
        let offset = 0;
        for (let n = at; n < end; n += 1) {
          const start = out.indexOf(10, offset) + 1;
          const size = sizes[n] ?? 0;
          yield out.subarray(start, start + size);
          offset = start + size + 1;
        }
        at = end;
      }
    },
    /** Bytes on the disk. */
    async size(signal: AbortSignal): Promise<number> {
      const said = (await git({ args: ["count-objects", "-v"] }, signal)).toString();
      const kib = [...said.matchAll(/^(?:size|size-pack|size-garbage): (\d+)$/gm)];
      return kib.reduce((sum, [, n]) => sum + Number(n), 0) * 1024;
    },
  };

  async function sizesOf(oids: readonly string[], signal: AbortSignal): Promise<number[]> {
    if (oids.length === 0) return [];
    const said = await git({ args: ["cat-file", "--batch-check"], input: lines(oids) }, signal);
    return said
      .toString()
      .trimEnd()
      .split("\n")
      .map((line) => {
        const [oid, type, size] = line.split(" ");
        if (type === "blob") return Number(size);
        throw new HearthError(
          "files_unavailable",
          `The checkpoint of these files is damaged: ${oid} is missing from it.`,
        );
      });
  }
}

const lines = (oids: readonly string[]) => `${oids.join("\n")}\n`;

/** `:100644 100755 OID OID M\0path\0` for each file. */
function parseRaw(listed: Buffer): FileChange[] {
  const fields = rawPath(listed).split("\0");
  const changes: FileChange[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [oldMode = "", newMode = "", oldOid = "", newOid = ""] = (fields[at] ?? "").slice(1).split(" ");
    const state = (mode: string, oid: string): FileState | null => (mode === NO_MODE ? null : { mode, oid });
    changes.push({
      path: fields[at + 1] ?? "",
      before: state(oldMode, oldOid),
      after: state(newMode, newOid),
    });
  }
  return changes;
}

export const unavailable = (why: string) =>
  new HearthError("files_unavailable", `${why.replace(/\.$/, "")}.`);

export const failure = (command: string, result: GitResult): HearthError =>
  unavailable(`git ${command} failed: ${result.isTooLong ? "its output is too long" : saidBy(result)}`);

export const pathList = (paths: readonly RawPath[]): Buffer =>
  Buffer.concat(paths.flatMap((path) => [pathBytes(path), Buffer.from([0])]));
