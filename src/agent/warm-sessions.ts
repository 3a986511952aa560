import { setImmediate } from "node:timers/promises";
import type { Backend, OpenedSession, SessionContext } from "./backend.ts";

type WarmSessionsDeps = {
  /** Throws HearthError agent_unavailable, config_invalid. */
  backend(agent: string): Backend;
  report(message: string, cause: unknown): void;
};

/** A session's counterparts in its agents, by agent, kept between turns. */
export function createWarmSessions({ backend, report }: WarmSessionsDeps) {
  const opened = new Map<string, OpenedSession>();
  return {
    /** The one that is there where it can be used as it is, else a new one. Throws what `Backend.open` throws. */
    async take(context: SessionContext, signal: AbortSignal): Promise<OpenedSession> {
      const warm = opened.get(context.agent);
      if (warm?.isUsable(context)) return warm;
      // Making one starts children, which holds up everything: the answer to the prompt goes out before.
      await setImmediate();
      signal.throwIfAborted();
      const made = await backend(context.agent).open(context, signal);
      opened.set(context.agent, made);
      // It was made for another environment, or its child is gone.
      warm?.close().catch((error) => report("an agent session could not be closed", error));
      return made;
    },
    /** It was ended by force: the next turn makes another. */
    giveUp(agent: string, session: OpenedSession) {
      if (opened.get(agent) === session) opened.delete(agent);
    },
    /** Whether something is kept running for it. */
    isWarm(agent: string): boolean {
      const session = opened.get(agent);
      return session !== undefined && (session.isWarm?.() ?? true);
    },
    /** Ends them all; only while no turn runs. */
    async release() {
      const all = [...opened.values()];
      opened.clear();
      await Promise.allSettled(all.map((session) => session.close()));
    },
  };
}
