import { searchHistory } from "../editor/history.ts";
import type { AppState } from "../state/state.ts";
import type { Glyphs } from "../text/glyphs.ts";
import { span } from "../text/line.ts";
import { truncateEnd } from "../text/width.ts";
import type { ComposerView } from "./composer.ts";

/** The history search, in the prompt's place; undefined while it is closed. */
export function searchView({ search, history, size }: AppState, glyphs: Glyphs): ComposerView | undefined {
  if (search === undefined) return undefined;
  const { query, skip } = search;
  const found = searchHistory(history, query, skip);
  const label = `search: ${query}`;
  const entry = found === undefined ? "nothing" : found.entry.replace(/\s+/g, " ");
  const room = Math.max(4, size.columns - label.length - 5);
  const text = [
    span(label, "accent"),
    span(`  ${glyphs.prompt} `, "muted"),
    span(truncateEnd(entry, room, glyphs.ellipsis), found === undefined ? "muted" : "text"),
  ];
  return {
    rows: [{ gutter: undefined, text }],
    caret: { row: 0, column: Math.min(label.length, size.columns - 1) },
  };
}
