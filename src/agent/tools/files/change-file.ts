import type { Stats } from "node:fs";
import { lstat, unlink } from "node:fs/promises";
import type { FileChange } from "../../../protocol/change.ts";
import type { ToolView } from "../../../protocol/message.ts";
import type { WorkerPool } from "../../worker/pool.ts";
import { isStillReal, type WorkspacePath } from "../../workspace-path.ts";
import { ToolFailure } from "../failure.ts";
import type { Hunk } from "../patch/parse-patch.ts";
import type { CallPermission, PreparedCall, ToolContext, ToolResult } from "../tool.ts";
import type { Edit } from "./apply-edits.ts";
import { createFile, isWriteProtected, readOnlyText, replaceFile } from "./replace-file.ts";
import { computeChangeQuickly, type TextChange } from "./text-change.ts";
import {
  decodeText,
  encodeText,
  hashOf,
  movedText,
  noteFile,
  readTextFile,
  type TextFile,
} from "./text-file.ts";
import { quickDiff } from "./unified-diff.ts";

/** What is asked of a file's text. */
export type Asked = { edits: readonly Edit[] } | { hunks: readonly Hunk[] } | { after: string };

/**
 * Describes a change of a file's text (undefined: there is no file): the change itself, the verb for the result, and
 * further notes. Throws ToolFailure.
 */
export type Change = (before: string | undefined) => {
  asked: Asked;
  done: string;
  notesOf?(change: TextChange): readonly string[];
};

/** A computed change that is not applied yet. */
export type PlannedChange = {
  permissions: readonly CallPermission[];
  /** Throws ToolFailure if a file is no longer as it was when the change was computed. */
  check(): Promise<void>;
  /** Call `check` before. `undo` restores what was there. */
  apply(): Promise<{ result: ChangeResult; undo(): Promise<void> }>;
};
export type ChangeResult = ToolResult & { view: Extract<ToolView, { kind: "diff" }> };

const STALE_DIFF_CHARS_MAX = 4000;

/**
 * Computes a change of one file without applying it. The diff in the permission question is the diff that is applied. If
 * the file has changed by then, nothing is applied.
 */
export async function prepareChange(
  place: WorkspacePath,
  context: ToolContext,
  workers: WorkerPool,
  changeOf: Change,
): Promise<PreparedCall> {
  const { permissions, check, apply } = await planChange(place, context, workers, changeOf);
  const [permission] = permissions;
  return {
    ...(permission !== undefined && { permission }),
    async run() {
      await check();
      return (await apply()).result;
    },
  };
}

export async function planChange(
  place: WorkspacePath,
  context: ToolContext,
  workers: WorkerPool,
  changeOf: Change,
): Promise<PlannedChange> {
  const old = await readToChange(place, context, workers);
  const { asked, done, notesOf } = changeOf(old?.text);
  const change = await computed(place, old?.text ?? "", asked, context, workers);
  const notes = notesOf?.(change) ?? [];
  return {
    permissions: [writePermission(place, change.asked, { path: place.real, kind: kindOfWrite(old) })],
    check: () => checkUnchanged(place, old, context),
    apply: () => apply(place, old, { ...change, done, notes }, context),
  };
}

/** `file` has real paths, too. */
export const writePermission = (
  { real }: WorkspacePath,
  unified: string,
  file: FileChange,
): CallPermission => ({
  tool: "edit",
  subject: { type: "path", access: "write", path: real, unified, file },
});

/** A file that is changed where it is, or made. */
const kindOfWrite = (old: TextFile | undefined) => (old === undefined ? "added" : "modified");

/** The file as it is, if the model may change it; undefined if there is none. Throws ToolFailure. */
export async function readToChange(
  place: WorkspacePath,
  context: ToolContext,
  workers: WorkerPool,
): Promise<TextFile | undefined> {
  const old = (await exists(place)) ? await readTextFile(place, context.signal) : undefined;
  if (old === undefined) return undefined;
  if (await isWriteProtected(place.real, old.stats))
    throw new ToolFailure(
      `${place.shown} is ${readOnlyText(old.stats)}. Nothing was changed. If the user wants it changed all the same, make it writable first, with chmod in bash.`,
    );
  await checkSeen(place, old, context, workers);
  return old;
}

export async function computed(
  place: WorkspacePath,
  before: string,
  asked: Asked,
  { signal }: ToolContext,
  workers: WorkerPool,
): Promise<TextChange> {
  const request = { shown: place.shown, before, ...asked };
  const outcome = computeChangeQuickly(request) ?? (await workers.run("change", request, signal));
  if (outcome.kind === "failed") throw new ToolFailure(outcome.message);
  return outcome.change;
}

export async function checkUnchanged(
  place: WorkspacePath,
  old: TextFile | undefined,
  context: ToolContext,
): Promise<void> {
  if (!(await isStillReal(place.real))) throw new ToolFailure(movedText(place.shown));
  const isThere = await exists(place);
  if (old === undefined) {
    if (isThere) throw new ToolFailure(createdText(place));
    return;
  }
  const now = isThere ? await readTextFile(place, context.signal) : undefined;
  if (now?.hash !== old.hash)
    throw new ToolFailure(
      `${place.shown} changed while permission was asked: read it again. Nothing was changed.`,
    );
}

const createdText = ({ shown }: WorkspacePath): string =>
  `${shown} was created by somebody else meanwhile: read it. Nothing was changed.`;

type Applied = TextChange & { done: string; notes: readonly string[] };

async function apply(
  place: WorkspacePath,
  old: TextFile | undefined,
  { text, additions, deletions, view, region, done, notes }: Applied,
  context: ToolContext,
): ReturnType<PlannedChange["apply"]> {
  context.signal.throwIfAborted();
  const bytes = old === undefined ? Buffer.from(text, "utf8") : encodeText(text, old);
  const remarks = [...notes];
  let stats: Stats;
  if (old === undefined) stats = await createNew(place, bytes);
  else {
    const replaced = await replaceFile(place.real, bytes, old);
    stats = replaced.stats;
    if (replaced.inPlace !== undefined) remarks.push(`It was written in place, because ${replaced.inPlace}.`);
  }
  noteWritten(place, bytes, stats, context);
  const lines = [
    `${done} ${place.shown} (+${additions} -${deletions}).`,
    ...remarks,
    old === undefined ? "" : region,
  ];
  return {
    result: {
      text: lines.filter((line) => line !== "").join("\n"),
      view: {
        ...{ kind: "diff", path: place.shown, files: [{ path: place.shown, kind: kindOfWrite(old) }] },
        ...{ unified: view, additions, deletions },
      },
    },
    async undo() {
      if (old === undefined) return unlink(place.real);
      const { stats: restored } = await replaceFile(place.real, old.bytes, { stats, bytes });
      noteWritten(place, old.bytes, restored, context);
    },
  };
}

/** Creates a file that must not exist. */
export const createNew = (place: WorkspacePath, bytes: Buffer): Promise<Stats> =>
  createFile(place.real, bytes).catch((error: unknown) => {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
    throw new ToolFailure(createdText(place));
  });

/** The model knows what it has written. */
export function noteWritten({ real }: WorkspacePath, bytes: Buffer, stats: Stats, { files }: ToolContext) {
  const { mtimeMs, size } = stats;
  files.note(real, { mtimeMs, size, hash: hashOf(bytes), text: decodeText(bytes).text });
}

async function exists({ real }: WorkspacePath): Promise<boolean> {
  try {
    await lstat(real);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

/** The model may change only what it knows: the file must be as the model last saw it. */
async function checkSeen(
  place: WorkspacePath,
  file: TextFile,
  context: ToolContext,
  workers: WorkerPool,
): Promise<void> {
  if (!file.isFaithful)
    throw new ToolFailure(`${place.shown} is not UTF-8, so an edit would damage it: use bash to change it.`);
  const seen = context.files.seen(place.real);
  if (seen === undefined)
    throw new ToolFailure(`Read ${place.shown} first: it was not read in this session.`);
  if (seen.hash === file.hash) return;
  const diff =
    seen.text === undefined ? undefined : await diffOf(seen.text, file.text, workers, context.signal);
  if (diff === undefined || diff.unified.length > STALE_DIFF_CHARS_MAX)
    throw new ToolFailure(`${place.shown} has changed since it was read. Read it again, then edit.`);
  // The error shows the model all changes, so it knows the file again.
  noteFile(context.files, place, file);
  throw new ToolFailure(
    `${place.shown} has changed since it was read; nothing was written. What changed:\n${diff.unified}\nGive the edit again if it still fits.`,
  );
}

const QUICK_DIFF_CHARS_MAX = 256 * 1024;

async function diffOf(before: string, after: string, workers: WorkerPool, signal: AbortSignal) {
  const quick = before.length + after.length > QUICK_DIFF_CHARS_MAX ? undefined : quickDiff(before, after);
  return quick ?? (await workers.run("diff", { before, after }, signal));
}
