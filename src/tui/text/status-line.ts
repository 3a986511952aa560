import type { PermissionMode } from "../../protocol/permission.ts";
import type { Capabilities } from "../capabilities.ts";
import type { Theme, ThemeToken } from "../theme.ts";
import { createPainter } from "./ansi.ts";
import { formatCost } from "./figures.ts";
import { glyphsOf } from "./glyphs.ts";
import { type Line, lineWidth, type Span, span, truncateLine } from "./line.ts";
import { sanitizeLine } from "./sanitize.ts";
import { MEASURE_MAX } from "./tool-call.ts";
import { truncateEnd, widthOf } from "./width.ts";

/** The field with the lowest priority goes first when the line is too long. */
export type StatusField = { text: string; token: ThemeToken; side: "left" | "right"; priority: number };

/** What the line may tell; what is undefined is left out. */
export type Status = {
  mode: PermissionMode;
  /** Undefined for the session's usual agent. */
  agent?: string | undefined;
  /** What a switch of agents comes to: "resumed", "new session", "history". */
  agentState?: string | undefined;
  model?: string | undefined;
  branch?: string | undefined;
  isDirty?: boolean | undefined;
  contextPercent?: number | undefined;
  cost?: number | undefined;
  title?: string | undefined;
  terminals?: number | undefined;
  /** Sessions of this workspace that wait for a person. */
  needsYou?: number | undefined;
  /** What stands at the right as long as there is room: "? keys". */
  hint?: string | undefined;
};

const modes: { readonly [M in PermissionMode]: { words: string; token: ThemeToken } } = {
  ask: { words: "ask", token: "mode_ask" },
  accept_edits: { words: "accept edits", token: "mode_accept_edits" },
  plan: { words: "plan", token: "mode_plan" },
  yolo: { words: "yolo", token: "mode_yolo" },
};

/** A title is a whole prompt at times: its beginning tells sessions apart, and the other fields keep their room. */
const TITLE_WIDTH_MAX = 28;

/** From this share of the window on, the context is worth a warning. */
const CONTEXT_WARNING_PERCENT = 80;

export function statusFields(status: Status): StatusField[] {
  const fields: StatusField[] = [];
  const add = (side: StatusField["side"], priority: number, text: string, token: ThemeToken = "muted") =>
    fields.push({ side, priority, text: sanitizeLine(text), token });
  const mode = modes[status.mode];
  add("left", 100, mode.words, mode.token);
  if (status.agent !== undefined) {
    const state = status.agentState === undefined ? "" : ` (${status.agentState})`;
    add("left", 85, `${status.agent}${state}`, "accent");
  }
  if (status.model !== undefined) add("left", 80, status.model);
  if (status.branch !== undefined) add("left", 50, `${status.branch}${status.isDirty === true ? "*" : ""}`);
  if (status.contextPercent !== undefined) {
    const isHigh = status.contextPercent >= CONTEXT_WARNING_PERCENT;
    add("left", isHigh ? 90 : 70, `ctx ${Math.round(status.contextPercent)}%`, isHigh ? "warning" : "muted");
  }
  if (status.cost !== undefined) add("left", 60, formatCost(status.cost));
  if (status.title !== undefined && status.title !== "")
    add("left", 20, truncateEnd(sanitizeLine(status.title), TITLE_WIDTH_MAX));
  if (status.needsYou !== undefined && status.needsYou > 0)
    add("right", 95, `? ${status.needsYou} ${status.needsYou === 1 ? "needs" : "need"} you`, "warning");
  if (status.terminals !== undefined && status.terminals > 1)
    add("right", 65, `${status.terminals} terminals`);
  if (status.hint !== undefined) add("right", 10, status.hint);
  return fields;
}

/** One row: fields at the left, fields at the right, never a partial field but the last that is left. */
export function renderStatusLine(
  fields: readonly StatusField[],
  width: number,
  theme: Theme,
  capabilities: Capabilities,
): string {
  const glyphs = glyphsOf(capabilities);
  const separator = capabilities.screenReader ? ", " : glyphs.separator;
  const indent = capabilities.screenReader ? "" : "  ";
  const measure = Math.min(Math.max(1, width - 1), MEASURE_MAX);
  const kept = [...fields];
  const sideWidth = (side: StatusField["side"]) => lineWidth(joined(kept, side, separator));
  const isTooLong = () => {
    const [left, right] = [sideWidth("left"), sideWidth("right")];
    return widthOf(indent) + left + right + (left > 0 && right > 0 ? 3 : 0) > measure;
  };
  while (kept.length > 1 && isTooLong()) {
    const least = kept.reduce((a, b) => (b.priority <= a.priority ? b : a));
    kept.splice(kept.indexOf(least), 1);
  }
  const left: Line = [span(indent), ...joined(kept, "left", separator)];
  const right = joined(kept, "right", separator);
  const free = Math.max(0, measure - lineWidth(left) - lineWidth(right));
  const gap = right.length === 0 ? "" : capabilities.screenReader ? separator : " ".repeat(free);
  const line: Line = [...left, span(gap), ...right];
  return createPainter(theme, capabilities)(truncateLine(line, Math.max(1, width), glyphs.ellipsis));
}

function joined(fields: readonly StatusField[], side: StatusField["side"], separator: string): Span[] {
  const own = fields.filter((field) => field.side === side);
  return own.flatMap((field, index) => [
    ...(index > 0 ? [span(separator, "muted")] : []),
    span(field.text, field.token),
  ]);
}
