import type { Change } from "../../protocol/change.ts";
import { plural } from "../../protocol/plural.ts";
import type { Caret } from "../screen/difference.ts";
import {
  isBeside,
  isSplit,
  isTakenBack,
  markedChange,
  pendingOf,
  type ReviewOverlay,
  reviewedChanges,
  rowsOfMarked,
} from "../state/review.ts";
import { type AppState, currentSession } from "../state/state.ts";
import { type DiffRow, diffLines, digitsOf, rowLines } from "../text/blocks/diff.ts";
import { type Layout, layoutFor } from "../text/layout.ts";
import { blankLine, type Line, lineWidth, prefixLines, span, truncateLine, wrapLine } from "../text/line.ts";
import type { ReviewRow } from "../text/review-rows.ts";
import { sanitizeLine, sanitizeText } from "../text/sanitize.ts";
import { sliceEnd, widthOf } from "../text/width.ts";
import type { Renderer } from "./renderer.ts";

/** The review fills the window: files, the marked file's diff, and the keys. */
export type ReviewView = {
  kind: "review";
  rows: number;
  title: Line;
  hints: readonly Line[];
  files: readonly Line[];
  diff: readonly Line[];
  /** The width of the files beside the diff; 0: they stand above it. */
  filesWidth: number;
  /** Between the files and the diff beside them. */
  gutter: string;
  foot: Line;
  caret: Caret | undefined;
  /** The list for a terminal of lines, printed when it changes; undefined while there is nothing to print. */
  spoken: readonly string[] | undefined;
};

const FILES_WIDTH_MAX = 44;
/** The rows of the list of files where it stands above the diff. */
const FILES_ROWS_MAX = 6;
const HINT_ROWS_MAX = 2;
/** What was changed in the user's own files meanwhile is shown in this many rows above the agent's change. */
const CONFLICT_ROWS_MAX = 8;

export function reviewView(state: AppState, overlay: ReviewOverlay, renderer: Renderer): ReviewView {
  const { columns, rows } = state.size;
  const layout = layoutFor(renderer.capabilities);
  const hints = prefixLines(
    wrapLine([span(hintsOf(state, overlay, layout), "muted")], columns - 2).slice(0, HINT_ROWS_MAX),
    [span(" ")],
    [span(" ")],
  );
  const beside = isBeside(state.size);
  const filesWidth = beside ? Math.min(FILES_WIDTH_MAX, Math.floor(columns / 3)) : 0;
  const room = Math.max(2, rows - 2 - hints.length);
  const changes = reviewedChanges(overlay);
  const filesRoom = beside ? room : Math.min(FILES_ROWS_MAX, changes.length, Math.floor(room / 2));
  // A rule stands between files and diff where they are above each other.
  const diffRoom = beside ? room : Math.max(1, room - filesRoom - 1);
  const diffWidth = beside ? columns - filesWidth - 3 : columns;
  const foot = footOf(state, overlay);
  return {
    kind: "review",
    rows,
    title: renderer.fit(titleOf(state, overlay, layout), columns),
    hints,
    files: fileLines(overlay, changes, filesRoom, beside ? filesWidth : columns, layout),
    diff: diffLinesOf(state, overlay, diffRoom, diffWidth, layout),
    filesWidth,
    gutter: ` ${layout.glyphs.gutter} `,
    foot: renderer.fit(foot, columns),
    caret:
      overlay.writing === undefined
        ? undefined
        : { row: rows - 1, column: Math.min(lineWidth(foot), columns - 1) },
    spoken: state.display.isLines ? spokenReview(overlay) : undefined,
  };
}

/** The list of changes for a terminal of lines. Undefined until it is loaded. */
function spokenReview(overlay: ReviewOverlay): string[] | undefined {
  if (overlay.changes === undefined) return undefined;
  const changes = reviewedChanges(overlay);
  if (changes.length === 0) return ["No changes."];
  return [
    "Changes:",
    ...changes.map(
      (change, index) =>
        `${index + 1} ${nameOf(change)}, ${change.kind}, ${change.additions} added, ${change.deletions} removed, by ${change.agent ?? "you"}, ${change.state}`,
    ),
    "Type a number to hear its diff, or an empty line to close. /apply and /discard take a path, or all.",
  ];
}

/** A change's diff for a terminal of lines. */
export const spokenDiff = (change: Change): string =>
  sanitizeText(`${nameOf(change)}\n${change.hunks.map(({ text }) => text).join("\n")}`).trimEnd();

const nameOf = ({ path, old_path }: Change): string =>
  sanitizeLine(old_path === undefined ? path : `${old_path} -> ${path}`);

function titleOf(state: AppState, overlay: ReviewOverlay, { glyphs }: Layout): Line {
  const changes = reviewedChanges(overlay);
  const pending = pendingOf(overlay).length;
  const sum = (of: (change: Change) => number) => changes.reduce((all, change) => all + of(change), 0);
  const agents = [...new Set(changes.flatMap(({ agent }) => agent ?? []))];
  const facts = [
    plural(changes.length, "file"),
    `+${sum(({ additions }) => additions)} ${glyphs.minus}${sum(({ deletions }) => deletions)}`,
    pending > 0 ? `${pending} to judge` : "",
    agents.length > 1 ? `changes from ${agents.join(", ")}` : "",
    currentSession(state)?.isolation === "worktree" ? "in a worktree" : "",
  ].filter((fact) => fact !== "");
  return [span(" Changes", "heading"), span(glyphs.separator + facts.join(glyphs.separator), "muted")];
}

function hintsOf(state: AppState, overlay: ReviewOverlay, { glyphs }: Layout): string {
  const change = markedChange(overlay);
  const what = overlay.row === null ? "file" : "hunk";
  const judge =
    change?.state === "pending"
      ? [`a apply ${what}`, `d discard ${what}`]
      : change?.state === "applied"
        ? [`u undo ${what}`]
        : change?.state === "reverted"
          ? [`a apply ${what}`]
          : [];
  return [
    ...(change?.conflict === undefined
      ? judge
      : isTakenBack(change)
        ? ["T as it was before", "O keep my lines", "H hand it to the agent"]
        : ["T take theirs", "O keep ours", "H hand it to the agent"]),
    ...(pendingOf(overlay).length > 1 ? ["A apply all", "D discard all"] : []),
    overlay.row === null ? "enter lines" : "esc files",
    "[ ] hunks",
    "c comment",
    ...(overlay.comments.length > 0 ? [`s send ${plural(overlay.comments.length, "comment")}`] : []),
    "e editor",
    isSplit(overlay, state.size) ? "v unified" : "v side by side",
    overlay.whole?.id === change?.id ? "f hunks alone" : "f whole file",
    overlay.showsJudged ? "tab hide judged" : "tab all",
    "q close",
  ].join(glyphs.separator);
}

const signOfKind = { added: "A", modified: "M", deleted: "D", renamed: "R" } as const;
const wordOfState = { pending: "", applied: "applied", rejected: "discarded", reverted: "undone" } as const;

function fileLines(
  overlay: ReviewOverlay,
  changes: readonly Change[],
  room: number,
  width: number,
  { glyphs }: Layout,
): Line[] {
  if (overlay.changes === undefined) return [[span(" asking the daemon", "muted")]];
  if (changes.length === 0) return [[span(" no changes", "muted")]];
  const isMixed = new Set(changes.map(({ agent }) => agent)).size > 1;
  const marked = changes.findIndex((change) => change.id === markedChange(overlay)?.id);
  const first = Math.max(0, Math.min(marked - Math.floor(room / 2), changes.length - room));
  return changes.slice(first, first + room).map((change, index) => {
    const isMarked = first + index === marked;
    const facts = [
      `+${change.additions} ${glyphs.minus}${change.deletions}`,
      isMixed ? (change.agent ?? "by hand") : "",
      change.conflict === undefined ? wordOfState[change.state] : "conflict",
    ].filter((fact) => fact !== "");
    const tail = `  ${facts.join(" ")}`;
    const style = isMarked ? "selection" : "text";
    const name = truncateStart(nameOf(change), Math.max(8, width - 5 - widthOf(tail)), glyphs.ellipsis);
    const line: Line = [
      span(` ${isMarked ? glyphs.prompt : " "} `, "accent"),
      span(`${signOfKind[change.kind]} `, signStyle(change)),
      span(name, style),
      span(tail, change.conflict === undefined ? "muted" : "warning"),
    ];
    return truncateLine(line, width, glyphs.ellipsis);
  });
}

const signStyle = ({ kind }: Change) =>
  kind === "added" ? "diff_added" : kind === "deleted" ? "diff_removed" : "accent";

/** The end of a path says more than its beginning. */
const truncateStart = (text: string, width: number, ellipsis: string): string =>
  widthOf(text) <= width ? text : ellipsis + sliceEnd(text, width - widthOf(ellipsis));

function diffLinesOf(
  state: AppState,
  overlay: ReviewOverlay,
  room: number,
  width: number,
  layout: Layout,
): Line[] {
  const change = markedChange(overlay);
  if (change === undefined) return [];
  const before = headLines(change, width, layout).slice(0, Math.max(2, Math.floor(room / 2)));
  const rows = rowsOfMarked(overlay, state.size);
  const left = Math.max(1, room - before.length);
  const cursor = overlay.row ?? 0;
  const first = Math.max(0, Math.min(cursor - Math.floor(left / 2), rows.length - left));
  const draw = rowDrawer(change, rows, isSplit(overlay, state.size), width - 2, layout);
  const shown = rows.slice(first, first + left).map((row, index) => {
    const line = draw(row);
    return overlay.row === first + index
      ? [
          span(`${layout.glyphs.prompt} `, "accent"),
          ...line.map((part) => ({ ...part, style: `${part.style} selection` })),
        ]
      : [span("  "), ...line];
  });
  return [...before, ...shown];
}

/** What stands above the hunks: a conflict, a changed mode, why nothing is shown. */
function headLines(change: Change, width: number, layout: Layout): Line[] {
  const facts: Line[] = [];
  const say = (text: string, style: "muted" | "warning") =>
    facts.push(...wrapLine([span(sanitizeLine(text), style)], width));
  if (change.conflict !== undefined) {
    const { text, ours } = change.conflict;
    say(`! ${text}`, "warning");
    if (ours !== null && ours !== "") {
      say("in your files:", "muted");
      facts.push(...diffLines(sanitizeText(ours), width, layout, { rowsMax: CONFLICT_ROWS_MAX }));
      say(isTakenBack(change) ? "the agent's, to be taken out:" : "the agent's:", "muted");
    }
  }
  if (change.old_mode !== null && change.new_mode !== null && change.old_mode !== change.new_mode)
    say(`mode ${change.old_mode} -> ${change.new_mode}`, "muted");
  if (change.binary) say("a binary file", "muted");
  else if (change.hunks.length === 0 && change.kind !== "renamed")
    say(
      change.additions + change.deletions === 0 ? "an empty file" : "too large to show: e opens it",
      "muted",
    );
  return facts;
}

/** Lays out rows of one change; line numbers have the same width throughout. */
function rowDrawer(
  change: Change,
  rows: readonly ReviewRow[],
  split: boolean,
  width: number,
  layout: Layout,
): (row: ReviewRow) => Line {
  const lines = rows.flatMap((row) => (row.type === "line" ? [row.before, row.after] : []));
  const digits = digitsOf(lines.filter((row) => row !== undefined));
  const one = (row: DiffRow | undefined, columns: number): Line =>
    row === undefined ? blankLine : (rowLines(row, digits, columns, layout, true)[0] ?? blankLine);
  const half = Math.floor((width - 3) / 2);
  return (row) => {
    if (row.type === "hunk") {
      const hunk = change.hunks[row.hunk];
      const state = hunk === undefined || hunk.state === change.state ? "" : ` ${wordOfState[hunk.state]}`;
      const heading =
        hunk?.heading === undefined || hunk.heading === "" ? "" : ` ${sanitizeLine(hunk.heading)}`;
      const text = `hunk ${row.hunk + 1}/${change.hunks.length}${state}${heading}`;
      return truncateLine([span(text, "diff_hunk")], width, layout.glyphs.ellipsis);
    }
    if (!split) return one(row.after ?? row.before, width);
    const old = row.before === undefined ? undefined : { ...row.before, number: oldNumber(row.before) };
    const left = one(old, half);
    const pad = span(" ".repeat(Math.max(0, half - lineWidth(left))));
    return [...left, pad, span(` ${layout.glyphs.gutter} `, "muted"), ...one(row.after, half)];
  };
}

const oldNumber = (row: DiffRow): number | undefined => row.oldNumber ?? row.number;

function footOf(state: AppState, overlay: ReviewOverlay): Line {
  if (overlay.writing !== undefined) return [span(" comment: ", "accent"), span(overlay.writing)];
  if (overlay.isDiscardingAll) {
    const files = plural(pendingOf(overlay).length, "file");
    return [span(` discard the changes of ${files}? enter discards, esc keeps them`, "warning strong")];
  }
  const { flash } = state;
  if (flash === undefined) return blankLine;
  return [span(` ${flash.text}`, flash.level === "info" ? "muted" : flash.level)];
}
