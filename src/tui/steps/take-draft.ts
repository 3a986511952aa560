import { editorText, emptyEditor } from "../editor/editor.ts";
import { addEntry, rememberAtoms } from "../editor/history.ts";
import { type AppState, draftOfRun, queuedRuns } from "../state/state.ts";

/**
 * Moves the composer's content to the history and empties the composer. After a history entry the earlier draft is
 * restored.
 */
export function takeDraft(state: AppState): AppState {
  const { editor, history } = state;
  const atoms = history.position > 0 ? (history.draft?.atoms ?? []) : [];
  return {
    ...state,
    editor: {
      ...emptyEditor,
      atoms,
      caret: atoms.length,
      kills: editor.kills,
      pastes: editor.pastes,
    },
    history: rememberAtoms({ ...history, draft: undefined }, editor.atoms),
    armed: undefined,
    flash: undefined,
  };
}

/** Stops editing a queued prompt and restores the saved draft. Changes to the prompt go to the history. */
export function leaveEditing(state: AppState): AppState {
  const { editing } = state;
  if (editing === undefined) return state;
  const run = queuedRuns(state).find(({ id }) => id === editing.runId);
  const text = editorText(state.editor);
  const isChanged = run === undefined || text !== draftOfRun(state, run);
  return {
    ...state,
    editor: editing.draft,
    editing: undefined,
    history: isChanged ? addEntry(state.history, text) : state.history,
  };
}
