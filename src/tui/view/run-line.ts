import { nounFor } from "../../protocol/plural.ts";
import type { Run } from "../../protocol/run.ts";
import { SHELL_AGENT, shellCommand } from "../commands/shell-command.ts";
import { editorText } from "../editor/editor.ts";
import type { KeyOverrides } from "../keys.ts";
import { openQuestion } from "../state/questions.ts";
import { type AppState, activeRun } from "../state/state.ts";
import { formatClock, formatCount } from "../text/figures.ts";
import type { Glyphs } from "../text/glyphs.ts";
import { type Line, span } from "../text/line.ts";
import { sanitizeLine } from "../text/sanitize.ts";
import { firstChordName } from "./chord-name.ts";

/** The hint about steering needs at least this width. */
const STEER_COLUMNS_MIN = 60;

/** Whether the draft could steer the running turn. */
function canSteer(state: AppState, run: Run | undefined): boolean {
  const text = editorText(state.editor);
  if (state.link.state !== "connected" || state.size.columns < STEER_COLUMNS_MIN) return false;
  if (run === undefined || run.agent === SHELL_AGENT || state.editing !== undefined) return false;
  return text.trim() !== "" && !text.startsWith("/") && shellCommand(text) === undefined;
}

/** What is running and how to stop it, or why it cannot go on; undefined if nothing is running. */
export function runLine(state: AppState, glyphs: Glyphs, overrides: KeyOverrides): Line | undefined {
  const run = activeRun(state);
  // While the daemon has trouble, no run makes progress.
  const trouble = state.link.state === "connected" ? state.replica?.workspace.trouble : undefined;
  if (trouble !== undefined)
    return [span(`${glyphs.warning} `, "warning"), span(sanitizeLine(trouble), "warning")];
  if (run === undefined && state.sending.length === 0) return undefined;
  const dot = glyphs.separator;
  // A terminal of lines prints this once, and has no other key.
  if (state.display.isLines) {
    if (openQuestion(state) !== undefined) return undefined;
    return [
      span(run !== undefined && state.cancelAsked === run.id ? "Canceling" : "Working, Ctrl+C cancels"),
    ];
  }
  const since = run?.started_at ?? run?.accepted_at;
  const { isStill } = state.display;
  const clock = since === undefined ? "0:00" : formatClock(state.now - Date.parse(since));
  const elapsed = isStill ? "" : ` ${clock}`;
  const sinceThen = isStill ? "" : `${dot}${clock}`;
  if (run !== undefined && state.cancelAsked === run.id) {
    return [span(`${glyphs.stopped} `, "warning"), span(`Canceling${sinceThen}`, "muted")];
  }
  if (openQuestion(state) !== undefined) {
    return [span(`${glyphs.question} `, "warning"), span(`Waiting for you${sinceThen}`, "muted")];
  }
  const { tokens, isEstimate } = state.tokenCount ?? { tokens: 0, isEstimate: false };
  const said = `${formatCount(tokens)} ${nounFor(tokens, "token")}`;
  const facts = [
    `Working${elapsed}`,
    ...(tokens > 0 && !isStill ? [`${isEstimate ? "~" : ""}${said}`] : []),
    `${firstChordName("prompt.escape", overrides)} to cancel`,
    ...(canSteer(state, run) ? [`${firstChordName("prompt.steer", overrides)} steers`] : []),
  ];
  return [span(`${glyphs.working} `, "accent"), span(facts.join(dot), "muted")];
}
