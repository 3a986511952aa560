import type { Permission } from "../../protocol/permission.ts";
import { openTranscript } from "../commands/table.ts";
import {
  backslashToNewline,
  type Editor,
  editorText,
  emptyEditor,
  endsWithBackslash,
  insertNewline,
  replaceText,
} from "../editor/editor.ts";
import { addEntry } from "../editor/history.ts";
import type { InputEvent } from "../input/decode.ts";
import type { Action, KeyMap } from "../keys.ts";
import { type Effect, type Step, stay, step } from "../state/effects.ts";
import { openQuestion } from "../state/questions.ts";
import type { AppState } from "../state/state.ts";
import { answersOf, isPlainEdit, withEditsAllowed } from "./allow-edits.ts";
import { changeSession } from "./change-session.ts";
import { openCompletion } from "./completion.ts";

/** Who typed less than this before a question appeared may still be typing. */
const TYPING_MS = 1000;
/** For this long keys still go to the prompt. */
const ARM_MS = 300;

/**
 * Updates the state of the open question. A new one takes the focus (after a pause if it appeared during typing); when
 * it is gone, the draft that was saved for it is restored.
 */
export function withQuestion(state: AppState, now: number): AppState {
  const open = openQuestion(state);
  if (open?.id === state.question?.id) return state;
  const { editor, history } = leaveWriting(state);
  if (open === undefined) return { ...state, editor, history, question: undefined };
  const wasTyping = now - state.lastTypedAt < TYPING_MS;
  return {
    ...state,
    editor,
    history,
    question: {
      id: open.id,
      index: 0,
      // An open completion list is finished first.
      isFocused: openCompletion(state) === undefined,
      armedAt: wasTyping ? now + ARM_MS : now,
      isCut: false,
      cutOptions: [],
      isUnread: true,
      writing: undefined,
    },
  };
}

/** Whether this event is for the question rather than the prompt. */
export function isQuestionKey(state: AppState, event: InputEvent, keys: KeyMap, now: number): boolean {
  const { question } = state;
  const action = actionOf(event, keys);
  if (question === undefined || action === undefined) return false;
  // While text for it is written, only sending that text and going back are for the question.
  if (question.writing !== undefined) return action === "question.accept" || action === "question.stop";
  if (action === "question.all_edits" && !isPlainEdit(openQuestion(state))) return false;
  if (action === "question.edit" && editableCommand(openQuestion(state)) === undefined) return false;
  // Moving the focus to the question is no answer, so it needs no pause.
  if (action === "question.prompt") return true;
  if (now < question.armedAt) return false;
  return question.isFocused || action === "question.stop";
}

const actionOf = (event: InputEvent, keys: KeyMap): Action | undefined => {
  if (event.type === "key") return keys.question.get(event.chord);
  return event.type === "text" ? keys.question.get(event.text) : undefined;
};

export function stepQuestion(state: AppState, event: InputEvent, keys: KeyMap): Step {
  const permission = openQuestion(state);
  const action = actionOf(event, keys);
  const { question } = state;
  if (permission === undefined || question === undefined || action === undefined) return stay(state);
  if (question.writing !== undefined) return finishWriting(state, permission, action);
  const last = answersOf(permission).length - 1;
  const mark = (index: number) => stay({ ...state, question: { ...question, index } });
  switch (action) {
    case "question.up":
      return mark(question.index === 0 ? last : question.index - 1);
    case "question.down":
      return mark(question.index >= last ? 0 : question.index + 1);
    case "question.first":
      return choose(state, permission, 0);
    case "question.second":
      return choose(state, permission, 1);
    case "question.third":
      return choose(state, permission, 2);
    case "question.fourth":
      return choose(state, permission, 3);
    case "question.fifth":
      return choose(state, permission, 4);
    case "question.accept":
      return choose(state, permission, question.index);
    case "question.edit":
      return editCommand(state, permission);
    case "question.all_edits":
      return choose(
        state,
        permission,
        answersOf(permission).findIndex(({ decision }) => decision === "all_edits"),
      );
    case "question.stop":
      return step(state, { do: "cancel" });
    case "question.prompt": {
      // In the pause after typing it focuses the question; later it toggles between question and prompt.
      const isPaused = state.now < question.armedAt;
      return stay({
        ...state,
        question: { ...question, isFocused: isPaused || !question.isFocused, armedAt: 0 },
      });
    }
    default:
      return stay(state);
  }
}

/** For a terminal of lines: "2" is the second answer, "e" edits the command first. */
export function chooseAnswer(state: AppState, wanted: string): Step {
  const permission = openQuestion(state);
  if (permission === undefined) return stay(state);
  const seen = { ...state, question: state.question && { ...state.question, isUnread: false } };
  return wanted === "e" ? editCommand(seen, permission) : choose(seen, permission, Number(wanted) - 1);
}

/** For a terminal of lines: the reason of a denial, or the edited command; an empty line leaves it unchanged. */
export function answerInWords(state: AppState, line: string): Step {
  const permission = openQuestion(state);
  if (permission === undefined) return stay(state);
  return finishWriting({ ...state, editor: replaceText(emptyEditor, line) }, permission, "question.accept");
}

function choose(state: AppState, permission: Permission, index: number): Step {
  const option = answersOf(permission)[index];
  const { question } = state;
  if (option === undefined || question === undefined) return stay(state);
  if (option.decision !== "deny") {
    // Nobody should allow what they have not seen: what did not fit is shown first.
    const isHidden = question.isCut || question.cutOptions.includes(index);
    if (isHidden && question.isUnread) return openTranscript(state);
    if (option.decision === "all_edits")
      return withEditsAllowed(changeSession(state, { mode: "accept_edits" }), "accept_edits");
    if (option.decision === "choice") return step(state, answer(permission, "allow_once", option.label));
    if (option.decision === "words") {
      const writing = write({ ...state, question: { ...question, index } }, "answer", emptyEditor);
      return stay(state.display.isLines ? say(writing, "Type the answer; Enter alone goes back.") : writing);
    }
    return step(state, answer(permission, option.decision, undefined));
  }
  // A denial may have a reason. The draft is restored when it is sent.
  const writing = write({ ...state, question: { ...question, index } }, "reason", emptyEditor);
  return stay(state.display.isLines ? say(writing, "Why not? Enter alone gives no reason.") : writing);
}

const say = (state: AppState, text: string): AppState => ({ ...state, flash: { text, level: "info" } });

/** Opens the composer for a reason or a command, and saves the draft. */
function write(state: AppState, what: "reason" | "command" | "answer", editor: Editor): AppState {
  const { question } = state;
  if (question === undefined) return state;
  return {
    ...state,
    editor,
    question: {
      ...question,
      writing: { what, draft: state.editor, given: editorText(editor), isSent: false },
    },
  };
}

function editCommand(state: AppState, permission: Permission): Step {
  const command = editableCommand(permission);
  const { question } = state;
  if (command === undefined || question === undefined) return stay(state);
  if (question.isCut && question.isUnread) return openTranscript(state);
  // In a terminal of lines the next line replaces the command.
  if (state.display.isLines)
    return stay(say(write(state, "command", emptyEditor), "Type the command; Enter alone goes back."));
  return stay({ ...write(state, "command", replaceText(emptyEditor, command)), flash: undefined });
}

/** Goes back to the unanswered question. The written text goes to the history. */
export function leaveWriting(state: AppState): AppState {
  const writing = state.question?.writing;
  if (writing === undefined) return state;
  const text = editorText(state.editor);
  const isOwn = !writing.isSent && text !== writing.given;
  return closeWriting(isOwn ? { ...state, history: addEntry(state.history, text) } : state);
}

function closeWriting(state: AppState): AppState {
  const { question } = state;
  if (question?.writing === undefined) return state;
  const { draft } = question.writing;
  const back = { ...question, isFocused: true, writing: undefined };
  return { ...state, editor: draft, flash: undefined, question: back };
}

/** Enter sends the written text; Escape goes back to the question. */
function finishWriting(state: AppState, permission: Permission, action: Action): Step {
  const { question } = state;
  const writing = question?.writing;
  if (question === undefined || writing === undefined) return stay(state);
  if (action !== "question.accept") return stay(leaveWriting(state));
  const back = closeWriting(state);
  if (endsWithBackslash(state.editor)) {
    // In a command the backslash stays: it means the same to the shell.
    const goOn = writing.what === "command" ? insertNewline : backslashToNewline;
    return stay({ ...state, editor: goOn(state.editor) });
  }
  const text = editorText(state.editor);
  if (writing.what === "reason") {
    return step(back, answer(permission, "deny", text.trim() === "" ? undefined : text.trim()));
  }
  if (writing.what === "answer") {
    const words = text.trim();
    return words === "" ? stay(back) : step(back, answer(permission, "allow_once", words));
  }
  if (writing.isSent) return stay(state);
  if (text.trim() === "" && state.display.isLines) return stay(back);
  if (text.trim() === "")
    return stay({
      ...state,
      flash: { text: "There is no command to run: esc goes back.", level: "warning" },
    });
  // The text stays visible until the daemon has accepted it: a refused command can be edited again.
  const sent = { ...state, question: { ...question, writing: { ...writing, isSent: true } } };
  const command = text === editableCommand(permission) ? undefined : text;
  return step(sent, { ...answer(permission, "allow_once", undefined), command });
}

/** The command of the question, if it may be edited. */
export const editableCommand = (permission: Permission | undefined): string | undefined =>
  permission?.detail.type === "command" && permission.detail.editable === true
    ? permission.detail.command
    : undefined;

const answer = (
  permission: Permission,
  decision: Permission["options"][number]["decision"],
  message: string | undefined,
): Extract<Effect, { do: "answer" }> => ({
  do: "answer",
  id: permission.id,
  decision,
  message,
});
