import { chmod, unlink } from "node:fs/promises";
import type { WorkerPool } from "../../worker/pool.ts";
import type { WorkspacePath } from "../../workspace-path.ts";
import { ToolFailure } from "../failure.ts";
import {
  type Asked,
  checkUnchanged,
  computed,
  createNew,
  noteWritten,
  type PlannedChange,
  readToChange,
  writePermission,
} from "../files/change-file.ts";
import type { TextChange } from "../files/text-change.ts";
import { encodeText, type TextFile } from "../files/text-file.ts";
import type { ToolContext } from "../tool.ts";

async function readOld(place: WorkspacePath, context: ToolContext, workers: WorkerPool): Promise<TextFile> {
  const old = await readToChange(place, context, workers);
  if (old === undefined) throw new ToolFailure(`${place.shown} does not exist. Nothing was changed.`);
  return old;
}

async function restore(place: WorkspacePath, old: TextFile, context: ToolContext): Promise<void> {
  const stats = await createNew(place, old.bytes);
  await chmod(place.real, old.stats.mode & 0o7777);
  noteWritten(place, old.bytes, stats, context);
}

export async function planRemoval(
  place: WorkspacePath,
  context: ToolContext,
  workers: WorkerPool,
): Promise<PlannedChange> {
  const old = await readOld(place, context, workers);
  const change = await computed(place, old.text, { after: "" }, context, workers);
  const { additions, deletions, view: unified } = change;
  return {
    permissions: [writePermission(place, change.asked, { path: place.real, kind: "deleted" })],
    check: () => checkUnchanged(place, old, context),
    async apply() {
      context.signal.throwIfAborted();
      await unlink(place.real);
      return {
        result: {
          text: `Deleted ${place.shown}.`,
          view: {
            ...{ kind: "diff", path: place.shown, files: [{ path: place.shown, kind: "deleted" }] },
            ...{ unified, additions, deletions },
          },
        },
        undo: () => restore(place, old, context),
      };
    },
  };
}

type Move = {
  from: WorkspacePath;
  to: WorkspacePath;
  asked: Asked;
  notesOf(change: TextChange): readonly string[];
};

/** Moves a file, changed or as it is, to a path where nothing is. Its mode, line ends and byte order mark go along. */
export async function planMove(
  { from, to, asked, notesOf }: Move,
  context: ToolContext,
  workers: WorkerPool,
): Promise<PlannedChange> {
  const old = await readOld(from, context, workers);
  const change = await computed(from, old.text, asked, context, workers);
  const notes = notesOf(change);
  const { additions, deletions, view: unified } = change;
  const checkAll = async () => {
    await checkUnchanged(from, old, context);
    await checkUnchanged(to, undefined, context);
  };
  await checkAll();
  return {
    permissions: [from, to].map((place) =>
      writePermission(place, change.asked, { path: to.real, kind: "renamed", old_path: from.real }),
    ),
    check: checkAll,
    async apply() {
      context.signal.throwIfAborted();
      const bytes = encodeText(change.text, old);
      const stats = await createNew(to, bytes);
      await chmod(to.real, old.stats.mode & 0o7777);
      await unlink(from.real);
      noteWritten(to, bytes, stats, context);
      const lines = [
        `Moved ${from.shown} to ${to.shown} (+${additions} -${deletions}).`,
        ...notes,
        change.region,
      ];
      return {
        result: {
          text: lines.filter((line) => line !== "").join("\n"),
          view: {
            ...{ kind: "diff", path: to.shown, unified, additions, deletions },
            files: [{ path: to.shown, kind: "renamed", old_path: from.shown }],
          },
        },
        async undo() {
          await restore(from, old, context);
          await unlink(to.real);
        },
      };
    },
  };
}
