import { lstat } from "node:fs/promises";
import type { WorkerPool } from "../../worker/pool.ts";
import { isStillReal, type WorkspacePath } from "../../workspace-path.ts";
import { ToolFailure } from "../failure.ts";
import type { PreparedCall, ToolContext, ToolResult } from "../tool.ts";
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

/**
 * Describes a change of a file's text (undefined: there is no file): the change itself, the verb for the result, and
 * further notes. Throws ToolFailure.
 */
export type Change = (before: string | undefined) => {
  asked: { edits: readonly Edit[] } | { after: string };
  done: string;
  notesOf?(change: TextChange): readonly string[];
};

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
  const old = (await exists(place)) ? await readTextFile(place, context.signal) : undefined;
  if (old !== undefined && (await isWriteProtected(place.real, old.stats)))
    throw new ToolFailure(
      `${place.shown} is ${readOnlyText(old.stats)}. Nothing was changed. If the user wants it changed all the same, make it writable first, with chmod in bash.`,
    );
  if (old !== undefined) await checkSeen(place, old, context, workers);
  const { asked, done, notesOf } = changeOf(old?.text);
  const request = { shown: place.shown, before: old?.text ?? "", ...asked };
  const outcome = computeChangeQuickly(request) ?? (await workers.run("change", request, context.signal));
  if (outcome.kind === "failed") throw new ToolFailure(outcome.message);
  const { change } = outcome;
  const notes = notesOf?.(change) ?? [];
  return {
    permission: {
      tool: "edit",
      subject: { type: "path", access: "write", path: place.real, unified: change.asked },
    },
    run: () => apply(place, old, { ...change, done, notes }, context),
  };
}

type Applied = TextChange & { done: string; notes: readonly string[] };

async function apply(
  place: WorkspacePath,
  old: TextFile | undefined,
  { text, additions, deletions, view, region, done, notes }: Applied,
  context: ToolContext,
): Promise<ToolResult> {
  if (!(await isStillReal(place.real))) throw new ToolFailure(movedText(place.shown));
  const bytes = old === undefined ? Buffer.from(text, "utf8") : encodeText(text, old);
  const remarks = [...notes];
  let stats: Awaited<ReturnType<typeof createFile>>;
  if (old === undefined) {
    stats = await createFile(place.real, bytes).catch((error: unknown) => {
      if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
      throw new ToolFailure(
        `${place.shown} was created by somebody else meanwhile: read it. Nothing was changed.`,
      );
    });
  } else {
    const now = (await exists(place)) ? await readTextFile(place, context.signal) : undefined;
    if (now?.hash !== old.hash)
      throw new ToolFailure(
        `${place.shown} changed while permission was asked: read it again. Nothing was changed.`,
      );
    context.signal.throwIfAborted();
    const replaced = await replaceFile(place.real, bytes, old);
    stats = replaced.stats;
    if (replaced.inPlace !== undefined) remarks.push(`It was written in place, because ${replaced.inPlace}.`);
  }
  context.files.note(place.real, {
    mtimeMs: stats.mtimeMs,
    size: stats.size,
    hash: hashOf(bytes),
    text: decodeText(bytes).text,
  });
  const lines = [
    `${done} ${place.shown} (+${additions} -${deletions}).`,
    ...remarks,
    old === undefined ? "" : region,
  ];
  return {
    text: lines.filter((line) => line !== "").join("\n"),
    view: { kind: "diff", path: place.shown, unified: view, additions, deletions },
  };
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
