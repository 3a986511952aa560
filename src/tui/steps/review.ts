import type { Change } from "../../protocol/change.ts";
import type { ChangeId } from "../../protocol/ids.ts";
import { editorText, replaceText } from "../editor/editor.ts";
import type { InputEvent } from "../input/decode.ts";
import type { KeyMap } from "../keys.ts";
import { type Effect, type Step, stay, step } from "../state/effects.ts";
import {
  isSplit,
  isTakenBack,
  markedChange,
  pendingOf,
  type ReviewComment,
  type ReviewOverlay,
  reviewedChanges,
  rowsOfMarked,
} from "../state/review.ts";
import type { AppState } from "../state/state.ts";
import type { ReviewRow } from "../text/review-rows.ts";

/** Handles an input event in the review of changes. */
export function stepReview(state: AppState, overlay: ReviewOverlay, event: InputEvent, keys: KeyMap): Step {
  const fresh = { ...state, flash: undefined };
  if (overlay.writing !== undefined) return stepComment(fresh, overlay, overlay.writing, event, keys);
  const action = event.type === "key" ? keys.list.get(event.chord) : undefined;
  if (overlay.isDiscardingAll) {
    if (action === "list.accept")
      return judge(fresh, { ...overlay, isDiscardingAll: false }, "reject", pendingOf(overlay));
    return put(fresh, overlay, { isDiscardingAll: false });
  }
  if (event.type === "text")
    return Array.from(event.text).reduce<Step>((done, letter) => {
      const now = done.state.overlay;
      if (now?.kind !== "review" || now.writing !== undefined) return done;
      const next = stepLetter(done.state, now, letter);
      return { state: next.state, effects: [...done.effects, ...next.effects] };
    }, stay(fresh));
  if (event.type !== "key") return stay(state);
  const page = Math.max(1, state.size.rows - 6);
  switch (action) {
    case "list.up":
      return move(fresh, overlay, -1);
    case "list.down":
      return move(fresh, overlay, 1);
    case "list.page_up":
      return move(fresh, overlay, -page);
    case "list.page_down":
      return move(fresh, overlay, page);
    case "list.first":
      return move(fresh, overlay, Number.NEGATIVE_INFINITY);
    case "list.last":
      return move(fresh, overlay, Number.POSITIVE_INFINITY);
    case "list.accept":
      return overlay.row === null ? enter(fresh, overlay) : put(fresh, overlay, { row: null });
    case "list.archived":
      return put(fresh, overlay, { showsJudged: !overlay.showsJudged, row: null });
    case "list.close":
      return overlay.row === null
        ? stay({ ...fresh, overlay: undefined })
        : put(fresh, overlay, { row: null });
    default:
      if (event.chord === "right") return enter(fresh, overlay);
      if (event.chord === "left") return put(fresh, overlay, { row: null });
      return stay(fresh);
  }
}

const put = (state: AppState, overlay: ReviewOverlay, changes: Partial<ReviewOverlay>): Step =>
  stay({ ...state, overlay: { ...overlay, ...changes } });

const say = (state: AppState, text: string): Step => stay({ ...state, flash: { text, level: "warning" } });

function stepLetter(state: AppState, overlay: ReviewOverlay, letter: string): Step {
  const change = markedChange(overlay);
  switch (letter) {
    case "q":
      return stay({ ...state, overlay: undefined });
    case "j":
      return move(state, overlay, 1);
    case "k":
      return move(state, overlay, -1);
    case "]":
      return goToHunk(state, overlay, 1);
    case "[":
      return goToHunk(state, overlay, -1);
    case "v":
      return put(state, overlay, { isSplit: !isSplit(overlay, state.size), row: null });
    case "f":
      if (change === undefined) return stay(state);
      return overlay.whole?.id === change.id
        ? put(state, overlay, { whole: undefined, row: null })
        : step(state, { do: "load_whole", id: change.id });
    case "a":
      return judgeMarked(state, overlay, change, "apply");
    case "d":
      return judgeMarked(state, overlay, change, "reject");
    case "u":
      return judgeMarked(state, overlay, change, "revert");
    case "A":
      return pendingOf(overlay).length === 0
        ? say(state, "There is nothing to apply.")
        : judge(state, overlay, "apply", pendingOf(overlay));
    case "D":
      return pendingOf(overlay).length === 0
        ? say(state, "There is nothing to discard.")
        : put(state, overlay, { isDiscardingAll: true });
    case "T":
      return resolve(state, overlay, change, "theirs");
    case "O":
      return resolve(state, overlay, change, "ours");
    case "H":
      return handOver(state, change);
    case "c":
      return change === undefined ? stay(state) : put(state, overlay, { writing: "" });
    case "s":
      return sendComments(state, overlay);
    case "e":
      return change === undefined
        ? stay(state)
        : step(state, {
            do: "open_file",
            root: overlay.root,
            path: change.path,
            line: lineAt(overlay, state),
          });
    default:
      return stay(state);
  }
}

/** Moves the cursor: from file to file, or from line to line of the marked one. */
function move(state: AppState, overlay: ReviewOverlay, by: number): Step {
  const to = (index: number, count: number) => Math.max(0, Math.min(index + by, count - 1));
  if (overlay.row !== null)
    return put(state, overlay, { row: to(overlay.row, rowsOfMarked(overlay, state.size).length) });
  const all = reviewedChanges(overlay);
  const index = all.findIndex(({ id }) => id === markedChange(overlay)?.id);
  return put(state, overlay, { marked: all[to(Math.max(0, index), all.length)]?.id });
}

function enter(state: AppState, overlay: ReviewOverlay): Step {
  const isEmpty = rowsOfMarked(overlay, state.size).length === 0;
  return isEmpty ? stay(state) : put(state, overlay, { row: overlay.row ?? 0 });
}

function goToHunk(state: AppState, overlay: ReviewOverlay, by: 1 | -1): Step {
  const rows = rowsOfMarked(overlay, state.size);
  const heads = rows.flatMap((row, index) => (row.type === "hunk" ? [index] : []));
  const from = overlay.row ?? -1;
  const to = by === 1 ? heads.find((index) => index > from) : heads.findLast((index) => index < from);
  return to === undefined ? stay(state) : put(state, overlay, { row: to });
}

type Verb = "apply" | "reject" | "revert";
/** What was undone can be applied again. */
const judgedFrom: { readonly [V in Verb]: readonly Change["state"][] } = {
  apply: ["pending", "reverted"],
  reject: ["pending"],
  revert: ["applied"],
};
const wrongState = {
  apply: "Only what is pending or undone can be applied.",
  reject: "Only what is pending can be discarded.",
  revert: "Only what is applied can be undone.",
} as const;

/** Judges the marked file, or with the cursor in its diff the hunk there. */
function judgeMarked(state: AppState, overlay: ReviewOverlay, change: Change | undefined, verb: Verb): Step {
  if (change === undefined) return stay(state);
  const hunk = change.hunks[rowAt(overlay, state)?.hunk ?? -1];
  if (!judgedFrom[verb].includes(hunk?.state ?? change.state)) return say(state, wrongState[verb]);
  return judge(state, overlay, verb, [change], hunk && [hunk.id]);
}

function judge(
  state: AppState,
  overlay: ReviewOverlay,
  verb: Verb,
  changes: readonly Change[],
  hunks?: readonly string[],
): Step {
  const ids: readonly ChangeId[] = changes.map(({ id }) => id);
  const effect: Effect = { do: "judge_changes", verb, ids, ...(hunks !== undefined && { hunks }) };
  return step({ ...state, overlay }, effect);
}

function resolve(
  state: AppState,
  overlay: ReviewOverlay,
  change: Change | undefined,
  side: "theirs" | "ours",
): Step {
  if (change?.conflict === undefined) return say(state, "There is no conflict in this file.");
  const verb = isTakenBack(change) ? "revert" : "apply";
  return step({ ...state, overlay }, { do: "judge_changes", verb, ids: [change.id], resolve: side });
}

const rowAt = (overlay: ReviewOverlay, { size }: AppState): ReviewRow | undefined =>
  overlay.row === null ? undefined : rowsOfMarked(overlay, size)[overlay.row];

/** The line of the changed file that the cursor is at. */
function lineAt(overlay: ReviewOverlay, state: AppState): number | undefined {
  const row = rowAt(overlay, state);
  if (row?.type === "line") return (row.after ?? row.before)?.number;
  return row === undefined ? undefined : markedChange(overlay)?.hunks[row.hunk]?.new_start;
}

function stepComment(
  state: AppState,
  overlay: ReviewOverlay,
  writing: string,
  event: InputEvent,
  keys: KeyMap,
): Step {
  if (event.type === "text" || event.type === "paste")
    return put(state, overlay, { writing: writing + event.text.replace(/\s+/g, " ") });
  const action = event.type === "key" ? keys.list.get(event.chord) : undefined;
  if (action === "list.erase")
    return put(state, overlay, { writing: Array.from(writing).slice(0, -1).join("") });
  if (action === "list.clear") return put(state, overlay, { writing: "" });
  if (action === "list.close") return put(state, overlay, { writing: undefined });
  if (action !== "list.accept") return stay(state);
  const change = markedChange(overlay);
  const text = writing.trim();
  if (change === undefined || text === "") return put(state, overlay, { writing: undefined });
  const comment = { path: change.path, line: lineAt(overlay, state), code: codeAt(overlay, state), text };
  return put(state, overlay, { writing: undefined, comments: [...overlay.comments, comment] });
}

/** The code that a comment is about: a line, a hunk, or nothing for a whole file. */
function codeAt(overlay: ReviewOverlay, state: AppState): string {
  const row = rowAt(overlay, state);
  if (row === undefined) return "";
  if (row.type === "hunk") return (markedChange(overlay)?.hunks[row.hunk]?.text ?? "").trimEnd();
  const { before, after } = row;
  if (before === after) return ` ${after?.text ?? ""}`;
  return [before && `-${before.text}`, after && `+${after.text}`]
    .filter((line) => line !== undefined)
    .join("\n");
}

/** The comments as the beginning of the next prompt, with the code they are about. */
function sendComments(state: AppState, overlay: ReviewOverlay): Step {
  if (overlay.comments.length === 0) return say(state, "There are no comments yet: c writes one.");
  return withDraft({ ...state, overlay: undefined }, overlay.comments.map(commentText).join("\n\n"));
}

function commentText({ path, line, code, text }: ReviewComment): string {
  const place = line === undefined ? path : `${path}, line ${line}`;
  return code === "" ? `${place}: ${text}` : `${place}: ${text}\n${fenced(code)}`;
}

function handOver(state: AppState, change: Change | undefined): Step {
  const conflict = change?.conflict;
  if (change === undefined || conflict === undefined) return say(state, "There is no conflict in this file.");
  const ours =
    conflict.ours === null ? "" : ` It was changed outside like this:\n${fenced(conflict.ours.trimEnd())}`;
  return withDraft(
    { ...state, overlay: undefined },
    isTakenBack(change)
      ? `I want your change of ${change.path} out of the file again, but it does not come out by itself: ${conflict.text}${ours}\nTake out what you changed, and keep what was changed since.`
      : `Your change of ${change.path} no longer fits the file in the workspace: ${conflict.text}${ours}\nWork both changes into your version of the file.`,
  );
}

/** A fence longer than any in the code. */
function fenced(code: string): string {
  const longest = Math.max(2, ...(code.match(/`+/g) ?? []).map(({ length }) => length));
  const fence = "`".repeat(longest + 1);
  return `${fence}diff\n${code}\n${fence}`;
}

/** Puts a text into the prompt, below what is written there. */
function withDraft(state: AppState, text: string): Step {
  const draft = editorText(state.editor);
  const whole = draft === "" ? `${text}\n` : `${draft}\n\n${text}\n`;
  return stay({ ...state, editor: replaceText(state.editor, whole) });
}
