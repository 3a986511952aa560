import { lstat } from "node:fs/promises";
import { isStillReal, type WorkspacePath } from "../workspace-path.ts";
import { numbered } from "./closest-lines.ts";
import { ToolFailure } from "./failure.ts";
import { createFile, replaceFile } from "./replace-file.ts";
import {
  decodeText,
  encodeText,
  hashOf,
  movedText,
  noteFile,
  readTextFile,
  type TextFile,
} from "./text-file.ts";
import type { PreparedCall, ToolContext, ToolResult } from "./tool.ts";
import { diffTexts, type FileDiff, shortDiff } from "./unified-diff.ts";

/** What a change makes of a file's text; undefined is a file that is not there. Throws ToolFailure. */
export type Change = (before: string | undefined) => Changed;
export type Changed = { text: string; done: string; notes?: readonly string[] };

const VIEW_CHARS_MAX = 64 * 1024;
/** What a person is asked about is shown in full; nobody reads this much, but it has to travel and be kept. */
const ASKED_CHARS_MAX = 1024 * 1024;
const STALE_DIFF_CHARS_MAX = 4000;
const REGION_LINES_MAX = 60;

/**
 * Works out a change of one file without making it. The diff that permission is asked for is the one that is
 * applied: when the file is another one by then, nothing is.
 */
export async function prepareChange(
  place: WorkspacePath,
  context: ToolContext,
  change: Change,
): Promise<PreparedCall> {
  const old = (await exists(place)) ? await readTextFile(place, context.signal) : undefined;
  if (old !== undefined) checkSeen(place, old, context);
  const changed = change(old?.text);
  const diff = diffTexts(old?.text ?? "", changed.text);
  const { unified } = shortDiff(diff, ASKED_CHARS_MAX);
  return {
    permission: { tool: "edit", subject: { type: "path", access: "write", path: place.real, unified } },
    run: () => apply(place, old, changed, diff, context),
  };
}

async function apply(
  place: WorkspacePath,
  old: TextFile | undefined,
  { text, done, notes = [] }: Changed,
  diff: FileDiff,
  context: ToolContext,
): Promise<ToolResult> {
  if (!(await isStillReal(place.real))) throw new ToolFailure(movedText(place.shown));
  const bytes = old === undefined ? Buffer.from(text, "utf8") : encodeText(text, old);
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
    stats = await replaceFile(place.real, bytes, old.stats);
  }
  context.files.note(place.real, {
    mtimeMs: stats.mtimeMs,
    size: stats.size,
    hash: hashOf(bytes),
    text: decodeText(bytes).text,
  });
  const count = `+${diff.additions} -${diff.deletions}`;
  const region = old === undefined ? "" : changedRegions(diff, text);
  return {
    text: [`${done} ${place.shown} (${count}).`, ...notes, region].filter((line) => line !== "").join("\n"),
    view: { kind: "diff", path: place.shown, ...shortDiff(diff, VIEW_CHARS_MAX) },
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

/** The model changes only what it knows: the file as it is now must be the file as it last saw it. */
function checkSeen(place: WorkspacePath, file: TextFile, context: ToolContext): void {
  if (!file.isFaithful)
    throw new ToolFailure(
      `${place.shown} is not UTF-8 and would not survive an edit: use bash to change it.`,
    );
  const seen = context.files.seen(place.real);
  if (seen === undefined)
    throw new ToolFailure(`Read ${place.shown} first: it was not read in this session.`);
  if (seen.hash === file.hash) return;
  const diff = seen.text === undefined ? undefined : diffTexts(seen.text, file.text);
  if (diff === undefined || diff.unified.length > STALE_DIFF_CHARS_MAX)
    throw new ToolFailure(`${place.shown} has changed since it was read. Read it again, then edit.`);
  // Told all that changed, the model knows the file again.
  noteFile(context.files, place, file);
  throw new ToolFailure(
    `${place.shown} has changed since it was read; nothing was written. What changed:\n${diff.unified}\nGive the edit again if it still fits.`,
  );
}

/** The lines that came, numbered as they stand now, with the diff's context around them. */
function changedRegions({ unified }: FileDiff, text: string): string {
  const lines = text.split("\n");
  const regions: string[] = [];
  let room = REGION_LINES_MAX;
  for (const [, start, count] of unified.matchAll(/^@@ -\S+ \+(\d+)(?:,(\d+))? @@$/gm)) {
    const first = Number(start);
    const length = Number(count ?? 1);
    if (room <= 0) return [...regions, "(more changed further down)"].join("\n…\n");
    const shownLength = Math.min(length, room);
    if (length > 0) regions.push(numbered(lines.slice(first - 1, first - 1 + shownLength), first));
    room -= shownLength;
  }
  return regions.join("\n…\n");
}
