import { editorText, emptyEditor } from "../editor/editor.ts";
import { addEntry, rememberAtoms } from "../editor/history.ts";
import { type AppState, draftOfRun, queuedRuns } from "../state/state.ts";

/**
 * What stands in the composer is taken out of it, into the history. Behind an entry that had been called up the draft
 * before it comes back.
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

/** Back from a queued prompt to the draft that was saved for it; what was changed in it is in the history. */
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
