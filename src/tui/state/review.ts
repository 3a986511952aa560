import type { Change } from "../../protocol/change.ts";
import type { ChangeId } from "../../protocol/ids.ts";
import type { ScreenSize } from "../screen/screen.ts";
import { type ReviewRow, reviewRows } from "../text/review-rows.ts";

/** A remark on a file, a hunk or a line, for the next prompt. */
export type ReviewComment = {
  path: string;
  /** 1-based in the changed file; undefined for the whole file. */
  line: number | undefined;
  /** The lines that it is about, each with its sign. */
  code: string;
  text: string;
};

/** The changes of a session's agents, to judge them. */
export type ReviewOverlay = {
  kind: "review";
  /** Undefined until the daemon has answered. */
  changes: readonly Change[] | undefined;
  /** The folder of the session's files. */
  root: string | undefined;
  marked: ChangeId | undefined;
  /** The marked file's row under the cursor; null: the cursor is in the list of files. */
  row: number | null;
  /** Old and new side by side; undefined: where the window is wide enough. */
  isSplit: boolean | undefined;
  /** The marked file whole; undefined: its hunks alone, also while that is loaded. */
  whole: { id: ChangeId; text: string } | undefined;
  /** Also what was judged before. */
  showsJudged: boolean;
  comments: readonly ReviewComment[];
  /** The comment that is being written. */
  writing: string | undefined;
  /** Discarding everything was asked for and waits for Enter. */
  isDiscardingAll: boolean;
};

export const newReviewOverlay: ReviewOverlay = {
  kind: "review",
  changes: undefined,
  root: undefined,
  marked: undefined,
  row: null,
  isSplit: undefined,
  whole: undefined,
  showsJudged: false,
  comments: [],
  writing: undefined,
  isDiscardingAll: false,
};

/** Below this many columns the files stand above the diff. */
const BESIDE_COLUMNS_MIN = 90;
const SPLIT_COLUMNS_MIN = 150;

export const isBeside = ({ columns }: ScreenSize): boolean => columns >= BESIDE_COLUMNS_MIN;
export const isSplit = (overlay: ReviewOverlay, { columns }: ScreenSize): boolean =>
  overlay.isSplit ?? columns >= SPLIT_COLUMNS_MIN;

/** What is to be judged, then what is in the tree already; on demand also what was rejected or reverted. */
export function reviewedChanges({ changes = [], showsJudged }: ReviewOverlay): readonly Change[] {
  const order = { pending: 0, applied: 1, rejected: 2, reverted: 2 } as const;
  return changes
    .filter(({ state }) => showsJudged || order[state] < 2)
    .toSorted((a, b) => order[a.state] - order[b.state] || (a.path < b.path ? -1 : 1));
}

export const pendingOf = (overlay: ReviewOverlay): readonly Change[] =>
  (overlay.changes ?? []).filter(({ state }) => state === "pending");

/** The marked file, else the first. */
export function markedChange(overlay: ReviewOverlay): Change | undefined {
  const all = reviewedChanges(overlay);
  return all.find(({ id }) => id === overlay.marked) ?? all[0];
}

export const rowsOfMarked = (overlay: ReviewOverlay, size: ScreenSize): readonly ReviewRow[] => {
  const change = markedChange(overlay);
  if (change === undefined) return [];
  const whole = overlay.whole?.id === change.id ? overlay.whole.text : undefined;
  return reviewRows(change, isSplit(overlay, size), whole);
};

/** Newer changes under the same mark. A file that was changed again has another change. */
export function withChanges(overlay: ReviewOverlay, changes: readonly Change[]): ReviewOverlay {
  const next = { ...overlay, changes };
  const before = markedChange(overlay);
  const all = reviewedChanges(next);
  const after =
    all.find(({ id }) => id === before?.id) ?? all.find(({ path }) => path === before?.path) ?? all[0];
  return { ...next, marked: after?.id, row: before?.id === after?.id ? overlay.row : null };
}

/** Of a change with a conflict: whether that stands in the way of an undo. What waits to be applied is not applied yet. */
export const isTakenBack = ({ state }: Change): boolean => state === "applied";
