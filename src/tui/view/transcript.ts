import type { Replica } from "../../client/replica.ts";
import type { Message } from "../../protocol/message.ts";
import type { Caret } from "../screen/difference.ts";
import { isWaiting, pastContext } from "../session/feed.ts";
import type { TranscriptOverlay } from "../state/overlay.ts";
import { openQuestion } from "../state/questions.ts";
import type { AppState } from "../state/state.ts";
import { answersOf } from "../steps/allow-edits.ts";
import type { Block } from "../text/blocks/block.ts";
import { blocksOf } from "../text/blocks/message-blocks.ts";
import { withoutWithdrawn } from "../text/blocks/withdrawn.ts";
import { blankLine, type Line, lineText, lineWidth, span } from "../text/line.ts";
import type { Renderer } from "./renderer.ts";

/** A row of the transcript, and the position of the search match in it. */
export type TranscriptRow = { line: Line; match: { start: number; end: number } | undefined };

export type TranscriptView = {
  kind: "transcript";
  /** The window's rows. */
  rows: number;
  shown: readonly TranscriptRow[];
  foot: Line;
  caret: Caret | undefined;
  /** The position, limited to the loaded rows. */
  up: number;
  /** Loaded rows above the window. */
  above: number;
};

export type TranscriptPager = {
  /** All loaded rows, oldest first. */
  all(state: AppState, overlay: TranscriptOverlay): readonly Line[];
  view(state: AppState, overlay: TranscriptOverlay): TranscriptView;
  /** The position at which the window begins with the next matching row. */
  find(state: AppState, overlay: TranscriptOverlay, isOlder: boolean): number | undefined;
};

/** Lays out the conversation message by message, each once for a width; only the window is drawn. */
export function createTranscriptPager(renderer: Renderer): TranscriptPager {
  let laidOut = new Map<
    string,
    {
      message: Message;
      columns: number;
      previous: Block | undefined;
      rows: Line[];
      last: Block | undefined;
    }
  >();

  function rowsOf(state: AppState, overlay: TranscriptOverlay): Line[] {
    const { replica, size } = state;
    if (replica === undefined) return [];
    const messages = messagesOf(replica, overlay);
    const context = pastContext(replica, messages);
    const next: typeof laidOut = new Map();
    const rows: Line[] = [];
    let previous: Block | undefined;
    for (const message of withoutWithdrawn(messages)) {
      const known = laidOut.get(message.id);
      const isKnown =
        known?.message === message && known.columns === size.columns && known.previous === previous;
      const entry = isKnown ? known : layOut(message, size.columns, previous);
      next.set(message.id, entry);
      rows.push(...entry.rows);
      previous = entry.last ?? previous;
    }
    laidOut = next;
    const question = openQuestion(state);
    if (question !== undefined) {
      const whole = {
        answers: answersOf(question),
        selected: -1,
        askedMs: undefined,
        home: state.display.home,
        terminals: 1,
        waiting: 0,
        rowsMax: Number.MAX_SAFE_INTEGER,
        hints: [],
      };
      rows.push(blankLine, ...renderer.permission(question, whole, size.columns).lines);
    }
    return rows;

    function layOut(message: Message, columns: number, before: Block | undefined) {
      const blocks = blocksOf(message, context);
      return {
        message,
        columns,
        previous: before,
        rows: renderer.blocks(blocks, columns, before, true),
        last: blocks.at(-1),
      };
    }
  }

  return {
    all: rowsOf,
    view(state, overlay) {
      const { columns, rows: height } = state.size;
      const rows = rowsOf(state, overlay);
      const room = Math.max(1, height - 1);
      const up = Math.max(0, Math.min(overlay.up, rows.length - room));
      const end = rows.length - up;
      const start = Math.max(0, end - room);
      const foot = footOf(state, overlay, rows.length, end, renderer);
      return {
        kind: "transcript",
        rows: height,
        shown: rows.slice(start, end).map((line) => ({ line, match: matchIn(line, overlay.query) })),
        foot: renderer.fit(foot, columns),
        caret: overlay.isSearching
          ? { row: room, column: Math.min(lineWidth(foot), columns - 1) }
          : undefined,
        up,
        above: start,
      };
    },
    find(state, overlay, isOlder) {
      if (overlay.query === "") return undefined;
      const rows = rowsOf(state, overlay);
      const room = Math.max(1, state.size.rows - 1);
      const top = Math.max(0, rows.length - overlay.up - room);
      const wanted = overlay.query.toLowerCase();
      const holds = (row: Line | undefined) =>
        row !== undefined && lineText(row).toLowerCase().includes(wanted);
      const step = isOlder ? -1 : 1;
      // At the beginning the search continues from the end, and the other way round.
      for (let distance = 1; distance <= rows.length; distance += 1) {
        const index = (top + step * distance + rows.length * 2) % rows.length;
        if (holds(rows[index])) return Math.max(0, rows.length - room - index);
      }
      return undefined;
    },
  };
}

/** The loaded pages, updated with newer messages of the stream, without queued prompts. */
function messagesOf(replica: Replica, overlay: TranscriptOverlay): Message[] {
  const pages = overlay.messages ?? [];
  const newer = new Map(replica.messages.map((message) => [message.id, message]));
  const known = new Set(pages.map(({ id }) => id));
  const merged = pages.map((message) => newer.get(message.id) ?? message);
  const added = overlay.messages === undefined ? [] : replica.messages.filter(({ id }) => !known.has(id));
  return [...merged, ...added]
    .filter((message) => !isWaiting(message, replica.runs))
    .sort((a, b) => a.seq - b.seq);
}

function footOf(
  state: AppState,
  overlay: TranscriptOverlay,
  total: number,
  end: number,
  { glyphs }: Renderer,
): Line {
  if (overlay.isSearching) return [span(" /", "accent"), span(overlay.query)];
  if (state.flash !== undefined) return [span(` ${state.flash.text}`, "warning")];
  const dot = glyphs.separator;
  const question = openQuestion(state);
  // First in the line, so that it is visible at every width.
  if (question !== undefined && overlay.up === 0 && overlay.messages !== undefined)
    return [
      span(` Press 1-${answersOf(question).length} to answer`, "warning strong"),
      span(`${dot}q goes back${dot}/ searches`, "muted"),
    ];
  const place =
    overlay.messages === undefined
      ? "asking the daemon"
      : end >= total
        ? "end"
        : `${Math.round((100 * end) / total)} %`;
  const more = overlay.before === null ? "" : `${dot}older pages load as you go up`;
  return [
    span(" Transcript", "heading"),
    span(
      `  ${place}${more}${dot}q closes${dot}/ searches${overlay.query === "" ? "" : `${dot}n older N newer: ${overlay.query}`}`,
      "muted",
    ),
  ];
}

function matchIn(line: Line, query: string): TranscriptRow["match"] {
  if (query === "") return undefined;
  const start = lineText(line).toLowerCase().indexOf(query.toLowerCase());
  return start === -1 ? undefined : { start, end: start + query.length };
}
