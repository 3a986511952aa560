import type { KeyOverrides } from "../keys.ts";
import { type AppState, activeRun, openQuestion } from "../state.ts";
import { formatClock, formatCount, plural } from "../text/figures.ts";
import type { Glyphs } from "../text/glyphs.ts";
import { type Line, span } from "../text/line.ts";
import { firstChordName } from "./chord-name.ts";

/** What works right now and how to stop it; undefined when nothing does. */
export function runLine(state: AppState, glyphs: Glyphs, overrides: KeyOverrides): Line | undefined {
  const run = activeRun(state);
  if (run === undefined && state.sending.length === 0) return undefined;
  const dot = ` ${glyphs.dot} `;
  const since = run?.started_at ?? run?.accepted_at;
  const elapsed = since === undefined ? "0:00" : formatClock(state.now - Date.parse(since));
  if (run !== undefined && state.cancelAsked === run.id) {
    return [span(`${glyphs.stopped} `, "warning"), span(`Canceling${dot}${elapsed}`, "muted")];
  }
  if (openQuestion(state) !== undefined) {
    return [span(`${glyphs.question} `, "warning"), span(`Waiting for you${dot}${elapsed}`, "muted")];
  }
  const tokens = run === undefined ? 0 : run.usage.output_tokens;
  const facts = [
    `Working ${elapsed}`,
    ...(tokens > 0 ? [plural(tokens, "token").replace(/^\d+/, formatCount(tokens))] : []),
    `${firstChordName("prompt.escape", overrides)} to cancel`,
  ];
  return [span(`${glyphs.working} `, "accent"), span(facts.join(dot), "muted")];
}
