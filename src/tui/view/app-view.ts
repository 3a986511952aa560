import type { Caret } from "../screen/difference.ts";
import { type LiveView, liveParts } from "./live.ts";

/** What Ink is to draw: the live region, or an overlay that fills the window. */
export type AppView =
  | { kind: "live"; live: LiveView; caret: Caret | undefined }
  /** `spoken`: for a terminal of lines, which says it when it changes; undefined while there is nothing to say yet. */
  | {
      kind: "overlay";
      rows: readonly string[];
      caret: Caret | undefined;
      spoken?: readonly string[] | undefined;
    };

export const emptyView: AppView = {
  kind: "live",
  live: {
    stream: [],
    plan: [],
    question: [],
    run: [],
    queue: [],
    suggestions: [],
    notice: [],
    composer: [],
    status: [],
    caret: { row: 0, column: 0 },
    isQuestionCut: false,
    cutOptions: [],
  },
  caret: undefined,
};

/** The next view with every part that says the same kept as it was, so that only what changed is drawn. */
export function keepUnchanged(before: AppView, next: AppView): AppView {
  if (before.kind !== "live" || next.kind !== "live") return next;
  const live = { ...next.live };
  for (const part of liveParts) if (isSame(before.live[part], live[part])) live[part] = before.live[part];
  return { ...next, live };
}

/** What Ink makes of a view: its rows, one below the other. */
export const rowsOf = (view: AppView): readonly string[] =>
  view.kind === "live" ? liveParts.flatMap((part) => view.live[part]) : view.rows;

const isSame = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((row, index) => row === b[index]);
