import type { KeyOverrides } from "../keys.ts";
import { type AppState, currentPlan } from "../state/state.ts";
import type { Glyphs } from "../text/glyphs.ts";
import { type Line, span } from "../text/line.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { firstChordName } from "./chord-name.ts";
import type { Renderer } from "./renderer.ts";

/** The most rows of the open plan, with its first one. */
const ROWS_MAX = 5;

/** The columns before the entries. */
export const PLAN_INDENT = 4;

export type PlanView = { head: Line; entries: readonly Line[] };

/** The agent's plan while it is not done: one row with the current entry, or a few entries around it. */
export function planView(state: AppState, renderer: Renderer, overrides: KeyOverrides): PlanView | undefined {
  const entries = currentPlan(state);
  if (entries === undefined) return undefined;
  const { glyphs } = renderer;
  const { columns } = state.size;
  const done = entries.filter(({ status }) => status === "completed").length;
  const started = entries.findIndex(({ status }) => status === "in_progress");
  const current = started === -1 ? entries.findIndex(({ status }) => status === "pending") : started;
  const head: Line = [span("  todo ", "muted"), span(`${done}/${entries.length}`)];
  const dot = glyphs.separator;
  if (!state.isPlanOpen) {
    const now = entries[current];
    const line = now === undefined ? head : [...head, span(`${dot}${sanitizeLine(now.content)}`, "muted")];
    return { head: renderer.fit(line, columns), entries: [] };
  }
  const key = firstChordName("plan.toggle", overrides);
  const room = ROWS_MAX - 1;
  const first = Math.max(0, Math.min(current - 1, entries.length - room));
  const hidden = entries.length - room;
  const facts = [...(hidden > 0 ? [`${hidden} more`] : []), `${key} folds`];
  return {
    head: renderer.fit([...head, span(`${dot}${facts.join(dot)}`, "muted")], columns),
    entries: entries
      .slice(first, first + room)
      .map((entry, index) =>
        renderer.fit(entryLine(entry, first + index === current, glyphs), columns - PLAN_INDENT),
      ),
  };
}

export const planHeight = (view: PlanView | undefined): number =>
  view === undefined ? 0 : 1 + view.entries.length;

/** Cuts the plan to `rows` rows. */
export const cutPlan = (view: PlanView | undefined, rows: number): PlanView | undefined =>
  view === undefined || rows === 0 ? undefined : { ...view, entries: view.entries.slice(0, rows - 1) };

function entryLine(
  { content, status }: { content: string; status: "pending" | "in_progress" | "completed" },
  isCurrent: boolean,
  glyphs: Glyphs,
): Line {
  const text = sanitizeLine(content);
  if (status === "completed") return [span(`${glyphs.ok} `, "success"), span(text, "muted")];
  const mark = status === "in_progress" ? glyphs.running : glyphs.pending;
  return [span(`${mark} `, isCurrent ? "accent" : "muted"), span(text, isCurrent ? "text" : "muted")];
}
