import { setImmediate } from "node:timers/promises";
import type { Backend, OpenedSession, SessionContext } from "../backend.ts";

type WarmSessionsDeps = {
  /** Throws HearthError agent_unavailable, config_invalid. */
  backend(agent: string): Backend;
  report(message: string, cause: unknown): void;
};

/** A session's counterparts in its agents, by agent, kept between turns: one each, whoever asked for it. */
export function createWarmSessions({ backend, report }: WarmSessionsDeps) {
  const opened = new Map<string, OpenedSession>();
  let isReleased = false;

  /** Those that are being closed: waited for in the end. */
  const closing = new Set<Promise<void>>();

  function close(session: OpenedSession | undefined): void {
    if (session === undefined) return;
    const closed = session
      .close()
      .catch((error) => report("an agent session could not be closed", error))
      .finally(() => closing.delete(closed));
    closing.add(closed);
  }

  /** What was made is kept or closed, never left behind. */
  function keep(agent: string, made: OpenedSession, signal: AbortSignal) {
    const before = opened.get(agent);
    // Of a run that did not wait for it any more: the next one may have made its own meanwhile.
    const isLate = signal.aborted && before !== undefined;
    if (isReleased || isLate) return close(made);
    opened.set(agent, made);
    // It was made for another environment, or its child is gone.
    close(before);
  }

  return {
    /**
     * The one that is there where it can be used as it is, else a new one. Throws what `Backend.open` throws, and
     * when `signal` has aborted meanwhile.
     */
    async take(context: SessionContext, signal: AbortSignal): Promise<OpenedSession> {
      const warm = opened.get(context.agent);
      if (warm?.isUsable(context)) return warm;
      // Making one starts children, which holds up everything: the answer to the prompt goes out before.
      await setImmediate();
      signal.throwIfAborted();
      const made = await backend(context.agent).open(context, signal);
      keep(context.agent, made, signal);
      signal.throwIfAborted();
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
    /** Ends them all, for good; only while no turn runs. What is still being made is closed when it is there. */
    async release() {
      isReleased = true;
      const all = [...opened.values()];
      opened.clear();
      for (const session of all) close(session);
      await Promise.all(closing);
    },
  };
}
