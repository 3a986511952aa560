import type { Replica } from "../../client/replica.ts";
import type { HearthEvent } from "../../protocol/events.ts";
import type { SessionId } from "../../protocol/ids.ts";
import type { AppState } from "../state/state.ts";

/** No session is shown, none was asked for, and no prompt is on its way to make one. */
export const isBlank = ({ replica, staysNew, sending }: AppState): boolean =>
  replica !== undefined && replica.session_id === null && !staysNew && sending.length === 0;

/** Remembers the session in which a run begins beside a terminal that has none. */
export function withBegun(state: AppState, replica: Replica, event: HearthEvent): AppState {
  if (event.type !== "run.accepted" && event.type !== "run.started") return state;
  return replica.session_id === null && isBlank(state)
    ? { ...state, beside: event.payload.run.session_id }
    : state;
}

/**
 * The session to join, as a terminal that starts now would. Not while something covers the screen: what is chosen
 * there is meant for the session that it was opened from.
 */
export const sessionToJoin = (state: AppState): SessionId | undefined =>
  isBlank(state) && state.overlay === undefined ? state.beside : undefined;
