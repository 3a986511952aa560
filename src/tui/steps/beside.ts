import type { Replica } from "../../client/replica.ts";
import type { HearthEvent } from "../../protocol/events.ts";
import type { SessionId } from "../../protocol/ids.ts";
import type { AppState } from "../state/state.ts";

/** Whether no session is shown, none was asked for, and no prompt is being sent that creates one. */
export const isBlank = ({ replica, staysNew, sending }: AppState): boolean =>
  replica !== undefined && replica.session_id === null && !staysNew && sending.length === 0;

/** Records the session in which a run begins elsewhere, if this terminal has no session. */
export function withBegun(state: AppState, replica: Replica, event: HearthEvent): AppState {
  if (event.type !== "run.accepted" && event.type !== "run.started") return state;
  return replica.session_id === null && isBlank(state)
    ? { ...state, beside: event.payload.run.session_id }
    : state;
}

/**
 * The session to join, as a terminal that starts now would. Undefined while an overlay is open: a choice in it is meant
 * for the session it was opened from.
 */
export const sessionToJoin = (state: AppState): SessionId | undefined =>
  isBlank(state) && state.overlay === undefined ? state.beside : undefined;
