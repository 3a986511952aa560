import type { ChangeConflict, Resolve } from "../../protocol/change.ts";
import { shownPath } from "../git/shown-path.ts";
import type { AppliedFile, ChangeRow, TreeFile, WorktreePlace } from "./change-row.ts";
import type { GitIn } from "./git.ts";
import { type Merged, mergeFile } from "./merge.ts";
import type { FileWrite } from "./place-file.ts";
import { type FileState, isSame, readTreeFile } from "./tree-files.ts";
import type { TreeEdit, TreeStore } from "./tree-store.ts";
import { chosenHunks, objectsOfRow, stateOf, type Version, versionWith, withStates } from "./versions.ts";
import { isBelow } from "./write-files.ts";

export type Decision = "applied" | "rejected" | "reverted";

export type Asked = {
  decision: Decision;
  rows: readonly ChangeRow[];
  /** Only these hunks, of a single row. */
  hunks?: readonly string[] | undefined;
  resolve?: Resolve | undefined;
  /** What its edits are made in: the base, or the worktree's tree where changes are rejected. */
  tree: string;
  at: string;
};

/** What follows from a decision, when all its files can be written. */
export type Plan = {
  /** Below the repository's checkout, or below the worktree where changes are rejected. */
  writes: FileWrite[];
  rows: ChangeRow[];
  /** Of the base where changes are applied or reverted, of the worktree's tree where they are rejected. */
  edits: TreeEdit[];
};

export type Planned = { plan: Plan } | { conflicts: Map<ChangeRow, ChangeConflict> };

/** From one version of a file to another, merged into what is there. */
type Step = { row: ChangeRow; from: Version; to: Version; chosen: Set<string> };

/** Works out what a decision writes. Reads files, and writes nothing but into the worktree's store. */
export async function planDecision(
  { gitIn, store, place }: { gitIn: GitIn; store: TreeStore; place: WorktreePlace },
  asked: Asked,
  signal: AbortSignal,
): Promise<Planned> {
  const { decision, rows, at } = asked;
  const contents = await store.read(rows.flatMap(objectsOfRow), signal);
  const top = decision === "rejected" ? place.path : place.top;
  const steps = rows.map((row): Step => {
    const chosen = chosenHunks(row, decision, asked.hunks);
    return { row, chosen, ...versions(row, decision, chosen, contents) };
  });
  /** The tree may hold a later change of the same file, which stays. */
  async function inTree({ from, to }: Step): Promise<FileState | null> {
    const there = await store.objectAt(asked.tree, from.path, signal);
    const content = there === null ? undefined : (await store.read([there], signal)).get(there);
    const ours = content === undefined ? null : { mode: from.state?.mode ?? "100644", content };
    if (isSame(ours, from.state) || from.state?.mode === SUBMODULE) return to.state;
    const merged = await mergeFile(gitIn, { base: from.state, ours, theirs: to.state }, "theirs", signal);
    return "file" in merged ? merged.file : to.state;
  }

  const conflicts = new Map<ChangeRow, ChangeConflict>();
  const writes: FileWrite[] = [];
  const edits: TreeEdit[] = [];
  const decided: ChangeRow[] = [];
  const gone = steps.flatMap(({ from, to }) =>
    from.state !== null && (to.state === null || !from.path.equals(to.path)) ? [from.path] : [],
  );
  const isGone = (path: Buffer) => gone.some((other) => other.equals(path));
  for (const step of steps) {
    const { row, from, to, chosen } = step;
    const exact = exactWay(step, decision, asked.hunks, contents);
    const made = await mergeInto({ gitIn, top, isGone, gone }, exact ?? { from, to }, asked.resolve, signal);
    if ("conflict" in made) {
      conflicts.set(row, made.conflict);
      continue;
    }
    writes.push(...made.writes);
    const known = new Map<TreeFile, FileState | null>(
      [row.old, row.new].map((file) => [file, stateOf(file, contents)]),
    );
    const treeFile = async (state: FileState | null): Promise<TreeFile> => {
      if (state === null) return null;
      for (const [file, same] of known) if (file !== null && isSame(same, state)) return file;
      const [oid = ""] = await store.write([state.content], signal);
      return { mode: state.mode, oid };
    };
    if (!from.path.equals(to.path)) edits.push({ path: from.path, file: null });
    edits.push({ path: to.path, file: await treeFile(await inTree(step)) });
    const next = withStates(row, chosen, decision, at);
    const isWhole =
      decision === "applied" && from.path.equals(row.old_path ?? row.path) && isAll(row, chosen);
    const applied: AppliedFile[] = [];
    if (isWhole)
      for (const { path, before, after } of made.writes)
        applied.push({
          path: path.toString("base64"),
          before: await treeFile(before),
          after: await treeFile(after),
        });
    decided.push(isWhole ? { ...next, applied } : withoutApplied(next));
  }
  if (conflicts.size > 0) return { conflicts };

  return { plan: { writes, rows: decided, edits: orderly(edits) } };
}

const SUBMODULE = "160000";

const isAll = (row: ChangeRow, chosen: ReadonlySet<string>): boolean =>
  row.hunks.every(({ id }) => chosen.has(id));

const withoutApplied = ({ applied: _, ...row }: ChangeRow): ChangeRow => row;

/** A path that one change leaves and another takes is the other's. */
const orderly = (edits: readonly TreeEdit[]): TreeEdit[] =>
  edits.filter(
    ({ path, file }) =>
      file !== null || !edits.some((other) => other.file !== null && other.path.equals(path)),
  );

function versions(
  row: ChangeRow,
  decision: Decision,
  chosen: ReadonlySet<string>,
  contents: ReadonlyMap<string, Buffer>,
): { from: Version; to: Version } {
  if (row.hunks.length === 0) {
    const old = { path: row.old_path ?? row.path, state: stateOf(row.old, contents) };
    const now = { path: row.path, state: stateOf(row.new, contents) };
    return decision === "applied" ? { from: old, to: now } : { from: now, to: old };
  }
  const inBase = (id: string, state: string) =>
    state === "applied" && !(decision === "reverted" && chosen.has(id));
  const base = versionWith(row, contents, ({ state }) => state === "applied");
  if (decision === "applied")
    return {
      from: base,
      to: versionWith(row, contents, ({ id, state }) => state === "applied" || chosen.has(id)),
    };
  if (decision === "reverted")
    return { from: base, to: versionWith(row, contents, ({ id, state }) => inBase(id, state)) };
  return {
    from: versionWith(row, contents, ({ state }) => state !== "rejected"),
    to: versionWith(row, contents, ({ id, state }) => state !== "rejected" && !chosen.has(id)),
  };
}

/** What one apply wrote is taken back exactly, also where the user's version was merged or overruled. */
function exactWay(
  { row, chosen }: Step,
  decision: Decision,
  hunks: readonly string[] | undefined,
  contents: ReadonlyMap<string, Buffer>,
): { from: Version; to: Version } | undefined {
  const [only, ...others] = row.applied ?? [];
  if (decision !== "reverted" || only === undefined || others.length > 0) return undefined;
  if (hunks !== undefined && !isAll(row, chosen)) return undefined;
  const path = Buffer.from(only.path, "base64");
  return {
    from: { path, state: stateOf(only.after, contents) },
    to: { path, state: stateOf(only.before, contents) },
  };
}

type Into = { gitIn: GitIn; top: string; isGone(path: Buffer): boolean; gone: readonly Buffer[] };

async function mergeInto(
  { gitIn, top, isGone, gone }: Into,
  { from, to }: { from: Version; to: Version },
  resolve: Resolve | undefined,
  signal: AbortSignal,
): Promise<{ writes: FileWrite[] } | { conflict: ChangeConflict }> {
  const isMove = !from.path.equals(to.path);
  const source = await lookUp(from.path);
  if ("conflict" in source) return source;
  const target = isMove ? await lookUp(to.path) : source;
  if ("conflict" in target) return target;
  // What is at the new place goes away in the same set, or has arrived there already.
  const inTheWay = isMove && target.state !== null && !isGone(to.path);
  if (inTheWay && isSame(target.state, to.state) && source.state === null) return { writes: [] };
  if (inTheWay && resolve === undefined) return conflict(`another file is at ${shownPath(to.path)}`);
  const merged: Merged = await mergeFile(
    gitIn,
    { base: from.state, ours: source.state, theirs: to.state },
    resolve,
    signal,
  );
  if ("conflict" in merged) return merged;
  const write = (path: Buffer, there: Looked, after: FileState | null): FileWrite[] =>
    isSame(there.state, after)
      ? []
      : [
          {
            path,
            before: there.state,
            after,
            permissions: there.permissions ?? source.permissions,
          },
        ];
  if (!isMove) return { writes: write(to.path, source, merged.file) };
  if (merged.file === null || (inTheWay && resolve === "ours")) return { writes: [] };
  return { writes: [...write(from.path, source, null), ...write(to.path, target, merged.file)] };

  type Looked = { state: FileState | null; permissions: number | null };
  async function lookUp(path: Buffer): Promise<Looked | { conflict: ChangeConflict }> {
    const found = await readTreeFile(top, path, isGone);
    const none = { state: null, permissions: null };
    switch (found.kind) {
      case "none":
        return none;
      case "folder":
        return gone.some((other) => isBelow(other, path)) ? none : conflict("a folder is there");
      case "blocked":
        return conflict(found.why);
      case "file":
        return found;
    }
  }
}

const conflict = (text: string): { conflict: ChangeConflict } => ({
  conflict: { text, ours: null, theirs: null },
});
