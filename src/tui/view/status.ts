import type { Session } from "../../protocol/session.ts";
import { type AppState, currentSession, terminalCount, waitingElsewhere } from "../state.ts";
import type { Status } from "../text/status-line.ts";

/** What the status line may tell; what does not fit is dropped by whoever draws it. */
export function statusOf(state: AppState, hint: string): Status {
  const session = currentSession(state);
  const { replica, defaults } = state;
  const agentName = session?.agent ?? defaults.agent;
  const agent =
    replica?.agents.find(({ name }) => name === agentName) ??
    replica?.agents.find(({ status }) => status === "ready");
  const model = session?.model ?? defaults.model ?? agent?.model ?? undefined;
  return {
    mode: session?.mode ?? defaults.mode ?? "ask",
    ...(agent !== undefined && agent.backend !== "native" && { agent: agent.name }),
    ...(model !== undefined && { model }),
    ...(replica?.workspace.branch != null && { branch: replica.workspace.branch }),
    ...percentOf(session),
    ...(session !== undefined && session.cost > 0 && { cost: session.cost }),
    ...(session !== undefined && { title: session.title }),
    terminals: terminalCount(state),
    needsYou: waitingElsewhere(state),
    hint,
  };
}

/** What would be shown as nothing. */
const CONTEXT_PERCENT_MIN = 0.5;

const percentOf = (session: Session | undefined) => {
  const percent = session && contextPercent(session);
  return percent === undefined ? {} : { contextPercent: percent };
};

/** How full the window of its model is; undefined where that is not known, or not worth a word yet. */
export function contextPercent({ context }: Pick<Session, "context">): number | undefined {
  // An older daemon does not tell.
  if (context === null || context === undefined || context.window <= 0) return undefined;
  const percent = Math.min(100, (100 * context.used) / context.window);
  return percent < CONTEXT_PERCENT_MIN ? undefined : percent;
}
