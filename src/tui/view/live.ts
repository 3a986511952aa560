import { sentenceOfStop } from "../../client/gone.ts";
import { editorText, isEmpty } from "../editor/editor.ts";
import { searchHistory } from "../editor/history.ts";
import type { KeyOverrides } from "../keys.ts";
import type { Caret } from "../screen/difference.ts";
import { SHELL_AGENT, shellCommand } from "../shell-command.ts";
import {
  type AppState,
  activeRun,
  isBusy,
  isWritingCommand,
  nameOfClient,
  openQuestion,
  queuedRuns,
  textOfRun,
} from "../state.ts";
import type { Block } from "../text/block.ts";
import { type Line, span } from "../text/line.ts";
import { truncateEnd } from "../text/width.ts";
import { firstChordName } from "./chord-name.ts";
import { completionLines } from "./completion.ts";
import { COMPOSER_ROWS_MAX, composerView } from "./composer.ts";
import { planLines } from "./plan.ts";
import { questionView } from "./question.ts";
import { queueLines } from "./queue.ts";
import type { Renderer } from "./renderer.ts";
import { runLine } from "./run-line.ts";
import { statusOf } from "./status.ts";

/** The live region by its parts, top to bottom, as rows ready for the terminal. */
export type LiveView = {
  readonly [Part in (typeof liveParts)[number]]: readonly string[];
} & {
  readonly caret: Caret;
  /** Something of the open question had no room. */
  readonly isQuestionCut: boolean;
  /** Answers of which something had no room. */
  readonly cutOptions: readonly number[];
};

export const liveParts = [
  "stream",
  "plan",
  "question",
  "run",
  "queue",
  "suggestions",
  "notice",
  "composer",
  "status",
] as const;

/** The live region is small whatever the window: a frame costs what it is tall. */
const ROWS_MAX = 18;
/** Of a question that is said in lines, and not drawn. */
const QUESTION_LINES_MAX = 10_000;
/** So much of the list stands above a question, which needs the rest. */
const SUGGESTIONS_BY_QUESTION_MAX = 3;

export const liveRowsMax = (rows: number): number => Math.max(1, Math.min(rows - 2, ROWS_MAX));

/**
 * Lays the live region out within its rows: the caret's row comes first, then the question, the status, what runs,
 * the queue; the stream's tail takes what is left. `previous` is the last block in the scrollback.
 */
export function liveView(
  state: AppState,
  renderer: Renderer,
  overrides: KeyOverrides,
  previous: Block | undefined,
): LiveView {
  const { columns, rows } = state.size;
  const { glyphs, paint } = renderer;
  let left = liveRowsMax(rows);
  const take = (lines: readonly string[], wanted = lines.length): string[] => {
    const taken = lines.slice(0, Math.max(0, Math.min(left, wanted)));
    left -= taken.length;
    return taken;
  };
  const oneRow = (line: Line): string => renderer.fit(line, columns);

  const permission = openQuestion(state);
  const isCommand = isWritingCommand(state);
  const isShell = isCommand || shellCommand(editorText(state.editor)) !== undefined;
  const composer = composerView(state.editor, {
    columns,
    rowsMax: Math.max(
      1,
      Math.min(COMPOSER_ROWS_MAX, Math.floor(left / 2), permission === undefined || isCommand ? left : 3),
    ),
    hint: hintOf(state),
    sign: isShell ? { text: "$", style: "warning" } : { text: glyphs.prompt, style: "prompt" },
    isDim: state.question?.isFocused === true && state.question.writing === undefined,
    glyphs,
  });
  const searching = state.search === undefined ? undefined : searchLine(state, renderer, columns);
  const composerLines = searching === undefined ? composer.lines : [searching.line];
  const composerRows = take(composerLines.map((line) => paint(line)));
  const completion = completionLines(state, renderer, overrides).map(oneRow);
  const beside = permission === undefined ? [] : take(completion, SUGGESTIONS_BY_QUESTION_MAX);
  const { isLines } = state.manner;
  const room = isLines ? QUESTION_LINES_MAX : left;
  const asked =
    permission === undefined
      ? undefined
      : renderer.permission(permission, questionView(state, permission, room, overrides), columns);
  // The question keeps every row it needs: whoever answers sees all the answers. What is said in lines has room for all.
  const question = isLines ? (asked?.rows ?? []) : take(asked?.rows ?? []);
  const status = left >= 2 ? take([renderer.status(statusOf(state, "? keys"), columns)]) : [];
  const notice = take(noticeLines(state, renderer, overrides).map(oneRow));
  const running = runLine(state, glyphs, overrides);
  const run = running === undefined || left < 2 ? [] : take([oneRow(running)]);
  const plan = left < 3 ? [] : take(planLines(state, renderer, overrides).map(oneRow));
  const suggestions = permission === undefined ? take(completion) : beside;
  const queue = take(queueLines(state, renderer, overrides).map(oneRow));
  const open = [...state.live, ...pendingPrompts(state)];
  const laidOut = renderer.blocks(open, columns, previous);
  const gap = laidOut.length > 0 && laidOut.at(-1) !== "" ? [""] : [];
  const stream = laidOut.length === 0 ? take([""], left > 4 ? 1 : 0) : tail([...laidOut, ...gap], left);
  const above =
    stream.length +
    plan.length +
    question.length +
    run.length +
    queue.length +
    suggestions.length +
    notice.length;
  const caret = searching?.caret ?? composer.caret;
  return {
    stream,
    plan,
    question,
    run,
    queue,
    suggestions,
    notice,
    composer: composerRows,
    status,
    isQuestionCut: asked !== undefined && (asked.hiddenRows > 0 || question.length < asked.rows.length),
    cutOptions: asked?.hiddenOptions ?? [],
    caret: { row: above + caret.row, column: caret.column },
  };
}

/** The last turn ended before its time, and nothing has been asked since. */
function wasCutShort(state: AppState): boolean {
  const last = isBusy(state) ? undefined : state.replica?.messages.at(-1);
  // A command of one's own has nothing that an agent could continue.
  if (last?.agent === SHELL_AGENT) return false;
  const reason = last?.role === "assistant" ? last.finish_reason : null;
  return reason === "canceled" || reason === "interrupted" || reason === "error";
}

const tail = (lines: readonly string[], count: number): string[] => (count <= 0 ? [] : lines.slice(-count));

function hintOf(state: AppState): string {
  if (state.question?.writing?.what === "reason") return "why not? enter: deny · esc: back";
  if (state.editing !== undefined) return "enter: withdraw the prompt · esc: leave it";
  if (queuedRuns(state).some((run) => run.state === "held") && !isBusy(state))
    return "press enter to send queued prompts";
  return wasCutShort(state) ? "/continue to resume" : "";
}

/** Prompts on their way to their run, shown where they will stand. */
function pendingPrompts(state: AppState): Block[] {
  const known = new Set(state.replica?.runs.map(({ id }) => id));
  const active = activeRun(state);
  const accepted =
    active?.state === "accepted"
      ? [
          {
            id: active.id,
            text: textOfRun(state, active),
            by: active.by,
            isShell: active.agent === SHELL_AGENT,
          },
        ]
      : [];
  const sent = state.sending
    .filter(({ runId }) => !known.has(runId))
    .map(({ runId, text, isShell }) => ({ id: runId, text, by: state.clientId, isShell }));
  return [...accepted, ...sent].map(({ id, text, by, isShell }) => ({
    id: `${id}/sending/0`,
    type: "prompt",
    text,
    by: nameOfClient(state, by),
    files: [],
    isSteering: false,
    ...(isShell && { isShell }),
  }));
}

/** What went wrong, or what a key would do now: one line. */
function noticeLines(state: AppState, { glyphs }: Renderer, overrides: KeyOverrides): Line[] {
  const { link, flash, now } = state;
  const dot = glyphs.separator;
  if (link.state === "failed") return [[span(`${glyphs.fail} `, "error"), span(link.error.message, "error")]];
  if (link.state === "lost") {
    const seconds = Math.max(0, Math.ceil((link.retryAt - now) / 1000));
    const { isStill } = state.manner;
    const when = seconds > 0 && !isStill ? ` in ${seconds} s` : "";
    const attempt = link.attempt > 1 && !isStill ? ` (${link.attempt})` : "";
    const rest = isEmpty(state.editor)
      ? `${firstChordName("prompt.submit", overrides)} tries now`
      : "your draft is safe";
    const text = `Lost the daemon${dot}reconnecting${attempt}${when}${dot}${rest}`;
    return [[span(`${glyphs.fail} `, "warning"), span(text, "warning")]];
  }
  if (link.state === "stopped") {
    const text = link.isStarting
      ? "Starting the daemon"
      : `${sentenceOfStop(link.stop)}${dot}press ${firstChordName("prompt.submit", overrides)} to start it`;
    return [[span(`${glyphs.warning} `, "warning"), span(text, "warning")]];
  }
  if (flash === undefined) return [];
  const style = flash.level === "info" ? "muted" : flash.level;
  const sign =
    flash.level === "error" ? `${glyphs.fail} ` : flash.level === "warning" ? `${glyphs.warning} ` : "  ";
  return flash.text
    .split("\n")
    .slice(0, 3)
    .map((text, index) => [span(index === 0 ? sign : "  ", style), span(text, style)]);
}

function searchLine(state: AppState, { glyphs }: Renderer, columns: number): { line: Line; caret: Caret } {
  const { query, skip } = state.search ?? { query: "", skip: 0 };
  const found = searchHistory(state.history, query, skip);
  const label = `search: ${query}`;
  const entry = found === undefined ? "nothing" : found.entry.replace(/\s+/g, " ");
  const room = Math.max(4, columns - label.length - 5);
  return {
    line: [
      span(label, "accent"),
      span(`  ${glyphs.prompt} `, "muted"),
      span(truncateEnd(entry, room, glyphs.ellipsis), found === undefined ? "muted" : "text"),
    ],
    caret: { row: 0, column: Math.min(label.length, columns - 1) },
  };
}
