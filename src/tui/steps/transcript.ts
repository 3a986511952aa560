import type { InputEvent } from "../input/decode.ts";
import type { KeyMap } from "../keys.ts";
import { type Step, stay, step } from "../state/effects.ts";
import type { TranscriptOverlay } from "../state/overlay.ts";
import type { AppState } from "../state/state.ts";
import { isQuestionKey, stepQuestion } from "./question.ts";

/** Handles an input event in the transcript. The view limits the position, since only it knows the height. */
export function stepTranscript(
  state: AppState,
  overlay: TranscriptOverlay,
  event: InputEvent,
  keys: KeyMap,
): Step {
  const go = (next: Partial<TranscriptOverlay>) =>
    stay({ ...state, flash: undefined, overlay: { ...overlay, ...next } });
  const page = Math.max(1, state.size.rows - 2);
  if (overlay.isSearching) {
    if (event.type === "text" || event.type === "paste") return go({ query: overlay.query + event.text });
    const action = event.type === "key" ? keys.list.get(event.chord) : undefined;
    if (action === "list.erase") return go({ query: Array.from(overlay.query).slice(0, -1).join("") });
    if (action === "list.close") return go({ isSearching: false, query: "" });
    if (action === "list.accept") {
      return step({ ...state, overlay: { ...overlay, isSearching: false } }, { do: "find", isOlder: true });
    }
    return stay(state);
  }
  // Several keys may come in one chunk of text.
  const [first = "", ...rest] = event.type === "text" ? Array.from(event.text) : [];
  if (rest.length > 0) return stepEach(state, [first, ...rest], keys);
  if (event.type === "text") {
    const answered = answerFromBelow(state, overlay, event, keys);
    if (answered !== undefined) return answered;
    switch (event.text) {
      case "q":
        return stay({ ...state, overlay: undefined });
      case "/":
        return go({ isSearching: true, query: "" });
      case "n":
        return step(state, { do: "find", isOlder: true });
      case "N":
        return step(state, { do: "find", isOlder: false });
      case "g":
        return go({ up: Number.MAX_SAFE_INTEGER });
      case "G":
        return go({ up: 0 });
      case " ":
        return go({ up: Math.max(0, overlay.up - page) });
      case "b":
        return go({ up: Math.max(0, overlay.up + page) });
      case "k":
        return go({ up: Math.max(0, overlay.up + 1) });
      case "j":
        return go({ up: Math.max(0, overlay.up - 1) });
      default:
        return stay(state);
    }
  }
  if (event.type !== "key") return stay(state);
  if (keys.prompt.get(event.chord) === "transcript.open") return stay({ ...state, overlay: undefined });
  switch (keys.list.get(event.chord)) {
    case "list.up":
      return go({ up: Math.max(0, overlay.up + 1) });
    case "list.down":
      return go({ up: Math.max(0, overlay.up - 1) });
    case "list.page_up":
      return go({ up: Math.max(0, overlay.up + page) });
    case "list.page_down":
      return go({ up: Math.max(0, overlay.up - page) });
    case "list.first":
      return go({ up: Number.MAX_SAFE_INTEGER });
    case "list.last":
      return go({ up: 0 });
    case "list.close":
      return stay({ ...state, overlay: undefined });
    default:
      return stay(state);
  }
}

/** At the end of the transcript the whole question is shown: a digit answers it. */
function answerFromBelow(
  state: AppState,
  overlay: TranscriptOverlay,
  event: InputEvent,
  keys: KeyMap,
): Step | undefined {
  const isShown = overlay.up === 0 && overlay.messages !== undefined;
  if (!isShown || state.question === undefined || state.question.writing !== undefined) return undefined;
  const below: AppState = { ...state, overlay: undefined, question: { ...state.question, isFocused: true } };
  return isDigit(event) && isQuestionKey(below, event, keys, state.now)
    ? stepQuestion(below, event, keys)
    : undefined;
}

const isDigit = (event: InputEvent): boolean => event.type === "text" && /^\d$/.test(event.text);

function stepEach(state: AppState, characters: readonly string[], keys: KeyMap): Step {
  return characters.reduce<Step>((done, text) => {
    if (done.state.overlay?.kind !== "transcript") return done;
    const next = stepTranscript(done.state, done.state.overlay, { type: "text", text }, keys);
    return { state: next.state, effects: [...done.effects, ...next.effects] };
  }, stay(state));
}
