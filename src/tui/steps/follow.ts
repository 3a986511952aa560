import type { Replica } from "../../client/replica.ts";
import { isEmpty, replaceText } from "../editor/editor.ts";
import { addEntry } from "../editor/history.ts";
import { type AppState, activeRun, type Flash, type Link } from "../state/state.ts";

/** A newer replica. Prompts that are in it are no longer being sent, and a cancel ends with its run. */
export function withReplica(state: AppState, replica: Replica): AppState {
  const next = { ...state, replica };
  const arrived = new Set([
    ...replica.runs.map(({ id }) => id),
    ...replica.messages.map(({ run_id }) => run_id),
  ]);
  const sending = state.sending.filter(({ runId }) => !arrived.has(runId));
  const isSame = sending.length === state.sending.length;
  return {
    ...next,
    sending: isSame ? state.sending : sending,
    cancelAsked: activeRun(next)?.id === state.cancelAsked ? state.cancelAsked : undefined,
  };
}

export function withLink(state: AppState, link: Link): AppState {
  const isBack = ["lost", "stopped"].includes(state.link.state) && link.state === "connected";
  return { ...state, link, flash: isBack ? { text: "reconnected", level: "info" } : state.flash };
}

/** Puts a prompt that could not be sent back into the composer, or into the history if the composer is in use. */
export const withUnsent = (state: AppState, text: string, flash: Flash): AppState =>
  isEmpty(state.editor)
    ? { ...state, editor: replaceText(state.editor, text), flash }
    : {
        ...state,
        history: addEntry(state.history, text),
        flash: { ...flash, text: `${flash.text} (↑ restores it)` },
      };
