import { type Atom, shownOf } from "../editor/atoms.ts";
import type { Editor } from "../editor/editor.ts";
import { type EditorRow, layoutEditor } from "../editor/layout.ts";
import type { Caret } from "../screen/difference.ts";
import type { Glyphs } from "../text/glyphs.ts";
import { type Line, type Span, type Style, span } from "../text/line.ts";
import { truncateEnd } from "../text/width.ts";

/** The columns of the prompt sign and a space. */
export const COMPOSER_GUTTER = 2;
export const COMPOSER_ROWS_MAX = 8;

/** The columns for the text. */
export const composerWidth = (columns: number): number => Math.max(4, columns - COMPOSER_GUTTER);

/** `gutter`: the prompt sign, or a sign that there are more rows above or below. */
export type ComposerRow = { gutter: Span | undefined; text: Line };

export type ComposerView = { rows: ComposerRow[]; caret: Caret };

/** The composer: at most `rowsMax` rows around the caret. `hint` is shown while it is empty. */
export function composerView(
  editor: Editor,
  options: {
    columns: number;
    rowsMax: number;
    hint: string;
    sign: { text: string; style: Style };
    isDim: boolean;
    glyphs: Glyphs;
  },
): ComposerView {
  const { columns, rowsMax, hint, sign, isDim, glyphs } = options;
  const width = composerWidth(columns);
  const style = isDim ? "muted" : "text";
  const signSpan = span(sign.text, isDim ? "muted" : sign.style);
  if (editor.atoms.length === 0) {
    const shown = hint === "" ? [] : [span(truncateEnd(hint, width - 1, glyphs.ellipsis), "muted")];
    return { rows: [{ gutter: signSpan, text: shown }], caret: { row: 0, column: COMPOSER_GUTTER } };
  }
  const layout = layoutEditor(editor.atoms, editor.caret, width);
  const first = windowStart(layout.rows.length, layout.caretRow, rowsMax);
  const visible = layout.rows.slice(first, first + rowsMax);
  const rows = visible.map((row, index): ComposerRow => {
    const isCut =
      (index === 0 && first > 0) || (index === rowsMax - 1 && first + rowsMax < layout.rows.length);
    const more = span(isCut ? glyphs.ellipsis.slice(0, 1) : "", "muted");
    return {
      gutter: first + index === 0 ? signSpan : more,
      text: spansOf(editor.atoms, row, style),
    };
  });
  return { rows, caret: { row: layout.caretRow - first, column: COMPOSER_GUTTER + layout.caretColumn } };
}

/** The first visible row: the last rows, moved up only as far as the caret requires. */
const windowStart = (count: number, caretRow: number, rowsMax: number): number =>
  Math.max(0, Math.min(caretRow, count - rowsMax));

/** Folded pastes and files have a style of their own. */
function spansOf(atoms: readonly Atom[], row: EditorRow, style: string): Span[] {
  const spans: Span[] = [];
  let typed = "";
  for (const atom of atoms.slice(row.start, row.end)) {
    if (typeof atom === "string") typed += shownOf(atom);
    else {
      if (typed !== "") spans.push(span(typed, style));
      typed = "";
      spans.push(span(shownOf(atom), "accent"));
    }
  }
  if (typed !== "") spans.push(span(typed, style));
  return spans;
}
