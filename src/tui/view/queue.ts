import { isEmpty } from "../editor/editor.ts";
import type { KeyOverrides } from "../keys.ts";
import { type AppState, draftOfRun, isOwnSteering, nameOfClient, queuedRuns } from "../state/state.ts";
import { type Line, span } from "../text/line.ts";
import { truncateEnd } from "../text/width.ts";
import { firstChordName } from "./chord-name.ts";
import type { Renderer } from "./renderer.ts";

const QUEUE_ROWS_MAX = 4;

/** The queued prompts, and what an empty prompt can do with them. */
export function queueLines(state: AppState, { glyphs }: Renderer, overrides: KeyOverrides): Line[] {
  const runs = queuedRuns(state);
  if (runs.length === 0) return [];
  const shown = runs.slice(0, runs.length > QUEUE_ROWS_MAX ? QUEUE_ROWS_MAX - 1 : QUEUE_ROWS_MAX);
  const lines = shown.map((run, index): Line => {
    const isEdited = state.editing?.runId === run.id;
    const by = nameOfClient(state, run.by);
    const facts = [
      ...(run.state === "held" ? ["held"] : []),
      ...(run.delivery === "steer" ? ["steers"] : []),
      ...(by === undefined ? [] : [by]),
      ...(isEdited ? ["being edited"] : []),
    ];
    const text = truncateEnd(draftOfRun(state, run).replace(/\s+/g, " ").trim(), 200, glyphs.ellipsis);
    return [
      span(index === 0 ? "  queue " : "        ", "muted"),
      span(`${index + 1}  `, "muted"),
      span(text, isEdited ? "accent" : "text"),
      span(facts.length === 0 ? "" : `  (${facts.join(", ")})`, "muted"),
    ];
  });
  if (shown.length < runs.length)
    lines.push([span(`        ${glyphs.ellipsis} ${runs.length - shown.length} more`, "muted")]);
  const hints = queueHints(state, overrides);
  if (hints.length > 0) lines.push([span(`        ${hints.join(glyphs.separator)}`, "muted")]);
  return lines;
}

/** What an empty prompt can do with the queue. */
function queueHints(state: AppState, overrides: KeyOverrides): string[] {
  const [first] = queuedRuns(state);
  if (!isEmpty(state.editor) || state.editing !== undefined || first === undefined) return [];
  return [
    `${firstChordName("prompt.up", overrides)} edits the last`,
    ...(isOwnSteering(state, first)
      ? [`${firstChordName("prompt.submit", overrides)} sends 1 into this turn`]
      : []),
    "/queue",
  ];
}
