import { shellCommand } from "../commands/shell-command.ts";
import { editorText, insertPaste, insertText, isEmpty } from "../editor/editor.ts";
import type { InputEvent } from "../input/decode.ts";
import type { KeyMap } from "../keys.ts";
import { draggedPaths } from "../local/dragged-path.ts";
import { type Step, stay, step } from "../state/effects.ts";
import { newListOverlay } from "../state/overlay.ts";
import { openQuestion } from "../state/questions.ts";
import { type AppState, isWritingCommand } from "../state/state.ts";
import { stepCompletion, withCompletion } from "./completion.ts";
import { stepOverlay } from "./overlay.ts";
import { stepPrompt } from "./prompt.ts";
import { isQuestionKey, stepQuestion, withQuestion } from "./question.ts";
import { stepSearch } from "./search.ts";

/** Handles an input event. Pure: the time is given. */
export function stepInput(state: AppState, event: InputEvent, keys: KeyMap, now: number): Step {
  if (event.type === "focus") return stay({ ...state, focus: event.focused ? "in" : "out" });
  if (event.type === "reply") return stay(state);
  const fresh = withQuestion(forgetArmed({ ...state, now }, now), now);
  return withCompletion(state, typed(route(fresh, event, keys, now), event, now), event);
}

/** Forgets the armed key if its time is over. */
const forgetArmed = (state: AppState, now: number): AppState =>
  state.armed !== undefined && now > state.armed.until
    ? { ...state, armed: undefined, flash: undefined }
    : state;

/** Records when the person last typed: a question that appears during typing waits for a pause. */
const typed = (result: Step, event: InputEvent, now: number): Step =>
  event.type === "text" ? { ...result, state: { ...result.state, lastTypedAt: now } } : result;

function route(
  state: AppState,
  event: Exclude<InputEvent, { type: "focus" | "reply" }>,
  keys: KeyMap,
  now: number,
): Step {
  if (state.overlay !== undefined) return stepOverlay(state, state.overlay, event, keys);
  if (state.search !== undefined) return stepSearch(state, state.search, event, keys);
  const completed = stepCompletion(state, event, keys);
  if (completed !== undefined) return completed;
  if (isQuestionKey(state, event, keys, now)) return stepQuestion(state, event, keys);
  if (event.type === "key") {
    const action = keys.prompt.get(event.chord);
    return action === undefined ? stay(state) : stepPrompt(disarm(state, event.chord), action, now);
  }
  if (event.type === "text" && event.text === "?" && isEmpty(state.editor) && state.editing === undefined) {
    return step({ ...state, overlay: newListOverlay("help") });
  }
  const leaving = leaveQuestion(state);
  // While a command is edited, pastes are not folded and no files are attached.
  if (isWritingCommand(state)) return stay({ ...state, editor: insertText(state.editor, event.text) });
  // A dragged file is attached to a prompt only; in a shell command or a reason its path stays text.
  const isPrompt =
    state.question?.writing === undefined && shellCommand(editorText(state.editor)) === undefined;
  if (event.type === "paste" && isPrompt && draggedPaths(event.text).length > 0) {
    return step(state, { do: "attach_path", text: event.text });
  }
  const insert = event.type === "paste" ? insertPaste : insertText;
  return stay({ ...leaving, editor: insert(leaving.editor, event.text), armed: undefined, flash: undefined });
}

/** Any key but the armed one disarms it. */
const disarm = (state: AppState, chord: string): AppState =>
  state.armed === undefined || chord === "escape" || chord === "ctrl+c"
    ? state
    : { ...state, armed: undefined, flash: undefined };

/** Typing moves the focus from the question to the prompt, so that digits are text. */
const leaveQuestion = (state: AppState): AppState =>
  state.question === undefined || state.question.writing !== undefined || openQuestion(state) === undefined
    ? state
    : { ...state, question: { ...state.question, isFocused: false } };
