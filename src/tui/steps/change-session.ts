import { type SessionChanges, type Step, stay, step } from "../state/effects.ts";
import { type AppState, currentSession } from "../state/state.ts";

/** Changes the open session, or what the next one starts with. */
export function changeSession(
  state: AppState,
  changes: Pick<SessionChanges, "agent" | "model" | "mode" | "agent_mode">,
): Step {
  if (currentSession(state) !== undefined) return step(state, { do: "change_session", changes });
  const { defaults } = state;
  // A model and a mode belong to their agent.
  const { agent = defaults.agent, mode = defaults.mode } = changes;
  const own = agent === defaults.agent ? defaults : { model: undefined, agent_mode: undefined };
  const { model = own.model, agent_mode = own.agent_mode } = changes;
  return stay({
    ...state,
    defaults: { ...defaults, agent, mode, model: model ?? undefined, agent_mode: agent_mode ?? undefined },
  });
}
