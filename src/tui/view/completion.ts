import { usageOf } from "../commands.ts";
import { editorText } from "../editor/editor.ts";
import type { Action, KeyOverrides } from "../keys.ts";
import type { AppState, Completion } from "../state.ts";
import { completionRows, openCompletion } from "../steps/completion.ts";
import { type Line, span } from "../text/line.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { sliceEnd, truncateEnd, widthOf } from "../text/width.ts";
import { firstChordName } from "./chord-name.ts";
import type { Renderer } from "./renderer.ts";

const ROWS_MAX = 8;
/** The mark and its gutter. */
const GUTTER = 4;
const NAME_MAX = 14;

/** The list above the prompt: files behind an `@`, commands behind a `/`, or what goes on behind what is typed. */
export function completionLines(state: AppState, renderer: Renderer, overrides: KeyOverrides): Line[] {
  const completion = openCompletion(state);
  if (completion === undefined) return hintLines(state);
  const { glyphs } = renderer;
  const rows = completionRows(state, completion);
  if (rows.length === 0) {
    // Behind a bare sign the daemon is only being asked.
    if (completion.query === "" && !completion.isPartial) return [];
    const none =
      completion.kind === "command"
        ? "no such command"
        : completion.isPartial
          ? `searching ${glyphs.ellipsis}`
          : completion.isAnswered
            ? "no such file"
            : "";
    return none === "" ? [] : [[span(`    ${none}`, "muted")]];
  }
  const index = Math.min(completion.index, rows.length - 1);
  const room = rows.length > ROWS_MAX ? ROWS_MAX - 1 : ROWS_MAX;
  const first = Math.max(0, Math.min(index - Math.floor(room / 2), rows.length - room));
  const width = Math.min(NAME_MAX, Math.max(...rows.map(({ name }) => widthOf(name) + 1)));
  const lines = rows.slice(first, first + room).map((row, offset): Line => {
    const isMarked = first + offset === index;
    const style = isMarked ? "selection" : "text";
    const mark = span(isMarked ? `  ${glyphs.prompt} ` : "    ", "accent");
    if (completion.kind === "file") {
      return [mark, span(tailOf(row.name, state.size.columns - GUTTER, glyphs.ellipsis), style)];
    }
    const name = `/${truncateEnd(sanitizeLine(row.name), NAME_MAX * 2, glyphs.ellipsis)}`;
    const gap = " ".repeat(Math.max(2, width + 2 - widthOf(name)));
    return [mark, span(name, style), span(gap + sanitizeLine(row.help), "muted")];
  });
  const partial = completion.isPartial ? ` ${glyphs.dot} still searching ${glyphs.ellipsis}` : "";
  if (rows.length <= room && partial !== "") lines.push([span(`   ${partial}`, "muted")]);
  if (rows.length > room)
    lines.push([
      span(
        `    ${index + 1}/${rows.length}${partial} ${glyphs.dot} ${keysOf(completion, overrides)}`,
        "muted",
      ),
    ]);
  return lines;
}

function keysOf({ kind }: Completion, overrides: KeyOverrides): string {
  const key = (action: Action) => firstChordName(action, overrides);
  const close = `${key("completion.close")} closes`;
  if (kind === "file") return `${key("completion.complete")} takes it, ${close}`;
  return `${key("completion.complete")} completes, ${key("completion.accept")} runs, ${close}`;
}

/** The end of a path: what tells it from its neighbours. */
function tailOf(path: string, columns: number, ellipsis: string): string {
  const text = sanitizeLine(path);
  if (widthOf(text) <= columns) return text;
  return ellipsis + sliceEnd(text, columns - widthOf(ellipsis));
}

function hintLines(state: AppState): Line[] {
  if (state.search !== undefined || state.question?.writing !== undefined) return [];
  const text = editorText(state.editor);
  if (text === "!") {
    return [
      [
        span(
          "    a command for your shell: it is not asked about, and the agent reads what it says",
          "muted",
        ),
      ],
    ];
  }
  const usage = usageOf(text);
  return usage === undefined ? [] : [[span(`    ${usage}`, "muted")]];
}
