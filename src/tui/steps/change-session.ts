import { type Effect, type SessionChanges, type Step, stay, step } from "../state/effects.ts";
import { type AppState, currentSession, type Flash, type Opening } from "../state/state.ts";

const STAYS_NEW: Flash = { text: "a new session, whatever starts in other terminals", level: "info" };

/** A new session because a person asked for one, or for what ends in one. */
export function newSession(
  state: AppState,
  { opening = "chosen", before }: { opening?: Opening; before?: Effect } = {},
): Step {
  const open: Effect = { do: "open_session", id: null, opening };
  // Where there is none already, nothing else would show that it was heard.
  const flash = currentSession(state) === undefined ? STAYS_NEW : state.flash;
  return step({ ...state, flash, staysNew: true }, ...(before === undefined ? [] : [before]), open);
}

/** Changes settings of the open session, or the defaults of the next one. */
export function changeSession(
  state: AppState,
  changes: Pick<SessionChanges, "agent" | "model" | "mode" | "agent_mode">,
): Step {
  if (currentSession(state) !== undefined) return step(state, { do: "change_session", changes });
  const { defaults } = state;
  // A model and an agent's mode belong to that agent.
  const { agent = defaults.agent, mode = defaults.mode } = changes;
  const own = agent === defaults.agent ? defaults : { model: undefined, agent_mode: undefined };
  const { model = own.model, agent_mode = own.agent_mode } = changes;
  return stay({
    ...state,
    defaults: { ...defaults, agent, mode, model: model ?? undefined, agent_mode: agent_mode ?? undefined },
  });
}
