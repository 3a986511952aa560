import { usageOf } from "../commands/table.ts";
import { editorText } from "../editor/editor.ts";
import type { Action, KeyOverrides } from "../keys.ts";
import type { AppState, Completion } from "../state/state.ts";
import { completionRows, openCompletion } from "../steps/completion.ts";
import type { Glyphs } from "../text/glyphs.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { sliceEnd, truncateEnd, widthOf } from "../text/width.ts";
import { firstChordName } from "./chord-name.ts";
import type { Renderer } from "./renderer.ts";

const ROWS_MAX = 8;
/** The columns before each row, with the mark. */
export const COMPLETION_GUTTER = 4;
/** The columns between a name and its help text. */
export const COMPLETION_GAP = 2;
const NAME_MAX = 14;
const SHELL_HINT = "a command for your shell: it is not asked about, and the agent reads what it says";

/** A file, or a command with its help text. */
export type CompletionRow = { name: string; help: string; isMarked: boolean };

/** The list above the prompt, cut to its columns, and a line below it or in its place. */
export type CompletionView = {
  rows: readonly CompletionRow[];
  /** The least width of the names, so that the help texts are aligned. */
  nameWidth: number;
  /** The glyph before the marked row. */
  mark: string;
  foot: string | undefined;
};

const noRows: readonly CompletionRow[] = [];

/** Files after `@`, commands after `/`, or a hint about arguments; undefined for nothing. */
export function completionView(
  state: AppState,
  { glyphs }: Renderer,
  overrides: KeyOverrides,
): CompletionView | undefined {
  const columns = state.size.columns - COMPLETION_GUTTER;
  const mark = glyphs.prompt;
  const say = (text: string | undefined): CompletionView | undefined =>
    text === undefined
      ? undefined
      : { rows: noRows, nameWidth: 0, mark, foot: truncateEnd(text, columns, glyphs.ellipsis) };
  const completion = openCompletion(state);
  if (completion === undefined) return say(hintOf(state));
  const items = completionRows(state, completion);
  if (items.length === 0) return say(whyNone(completion, glyphs));
  const index = Math.min(completion.index, items.length - 1);
  const room = items.length > ROWS_MAX ? ROWS_MAX - 1 : ROWS_MAX;
  const first = Math.max(0, Math.min(index - Math.floor(room / 2), items.length - room));
  const nameWidth =
    completion.kind !== "command"
      ? 0
      : Math.min(NAME_MAX, Math.max(...items.map(({ name }) => widthOf(name) + 1)));
  const rows = items.slice(first, first + room).map((item, offset): CompletionRow => {
    const isMarked = first + offset === index;
    if (completion.kind !== "command")
      return { name: tailOf(item.name, columns, glyphs.ellipsis), help: "", isMarked };
    const name = `/${truncateEnd(sanitizeLine(item.name), NAME_MAX * 2, glyphs.ellipsis)}`;
    const left = columns - Math.max(nameWidth, widthOf(name)) - COMPLETION_GAP;
    return { name, help: truncateEnd(sanitizeLine(item.help), Math.max(0, left), glyphs.ellipsis), isMarked };
  });
  const partial = completion.isPartial ? `${glyphs.dot} still searching ${glyphs.ellipsis}` : "";
  const place = `${index + 1}/${items.length}`;
  const foot =
    items.length > room
      ? [place, partial, glyphs.dot, keysOf(completion, overrides)].filter((part) => part !== "").join(" ")
      : partial;
  return {
    rows,
    nameWidth,
    mark,
    foot: foot === "" ? undefined : truncateEnd(foot, columns, glyphs.ellipsis),
  };
}

export const completionHeight = (view: CompletionView | undefined): number =>
  view === undefined ? 0 : view.rows.length + (view.foot === undefined ? 0 : 1);

/** Cuts the list to `rows` rows. */
export const cutCompletion = (view: CompletionView | undefined, rows: number): CompletionView | undefined =>
  view === undefined || rows === 0
    ? undefined
    : { ...view, rows: view.rows.slice(0, rows), foot: rows > view.rows.length ? view.foot : undefined };

function whyNone(
  { kind, query, isPartial, isAnswered }: Completion,
  { ellipsis }: Glyphs,
): string | undefined {
  // Right after the `@` the first answer is still to come.
  if (query === "" && !isPartial) return undefined;
  if (kind === "command") return "no such command";
  // Anything may be typed.
  if (kind === "argument") return undefined;
  if (isPartial) return `searching ${ellipsis}`;
  return isAnswered ? "no such file" : undefined;
}

function keysOf({ kind }: Completion, overrides: KeyOverrides): string {
  const key = (action: Action) => firstChordName(action, overrides);
  const close = `${key("completion.close")} closes`;
  if (kind !== "command") return `${key("completion.complete")} takes it, ${close}`;
  return `${key("completion.complete")} completes, ${key("completion.accept")} runs, ${close}`;
}

/** The end of a path, which distinguishes it from others. */
function tailOf(path: string, columns: number, ellipsis: string): string {
  const text = sanitizeLine(path);
  if (widthOf(text) <= columns) return text;
  return ellipsis + sliceEnd(text, columns - widthOf(ellipsis));
}

function hintOf(state: AppState): string | undefined {
  if (state.search !== undefined || state.question?.writing !== undefined) return undefined;
  const text = editorText(state.editor);
  return text === "!" ? SHELL_HINT : usageOf(text);
}
