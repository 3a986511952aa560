import { type Step, stay, step } from "../state/effects.ts";
import { newRewindOverlay, type RewindOverlay, rewindItems } from "../state/rewind.ts";
import { type AppState, currentSession } from "../state/state.ts";

/** Opens the list of prompts to go back to. */
export function openRewind(state: AppState): Step {
  const session = currentSession(state);
  if (session === undefined)
    return stay({ ...state, flash: { text: "There is nothing to go back to yet.", level: "warning" } });
  const overlay = { ...newRewindOverlay, hasFiles: session.isolation === "in_place" };
  return step({ ...state, overlay, armed: undefined, flash: undefined }, { do: "load_turns" });
}

/** Accepts a row: a turn, or what is to go back. */
export function acceptRewind(state: AppState, overlay: RewindOverlay, index: number): Step {
  const item = rewindItems(overlay)[index];
  if (item === undefined) return stay({ ...state, overlay: undefined });
  if (item.type === "file") return stay(state);
  if (item.type === "turn") {
    const next: RewindOverlay = {
      ...overlay,
      query: "",
      marked: undefined,
      chosen: item.turn,
      preview: undefined,
    };
    return step({ ...state, overlay: next }, { do: "preview_undo", message_id: item.turn.message_id });
  }
  if (overlay.chosen === undefined) return stay(state);
  const { message_id, prompt } = overlay.chosen;
  if (item.type === "fork") {
    const id = currentSession(state)?.id;
    if (id === undefined) return stay({ ...state, overlay: undefined });
    const from = { message_id, prompt, files: item.files };
    return step({ ...state, overlay: undefined }, { do: "fork", id, ...from });
  }
  const { files, conversation } = item;
  return step({ ...state, overlay: undefined }, { do: "undo", message_id, files, conversation });
}

/** Escape goes from the answers back to the turns. */
export const closeRewind = (state: AppState, overlay: RewindOverlay): AppState => ({
  ...state,
  overlay:
    overlay.chosen === undefined
      ? undefined
      : { ...overlay, marked: overlay.chosen.message_id, chosen: undefined, preview: undefined },
});
