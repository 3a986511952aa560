import { ignoreError, inBackground } from "../../async/in-background.ts";
import { orAborted } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { OpenedSession, SessionContext } from "../backend.ts";
import type { Child, ChildRequest } from "./child.ts";
import type { Children } from "./children.ts";

/** The child cannot hold another session, so this one needs a child of its own. */
export class NeedsOwnChild extends Error {}

/** How one session of a backend is opened. */
export type Opening<C> = {
  /** The key of the shared child, or of a child for this session alone. */
  key(isAlone: boolean): string;
  request(key: string): ChildRequest<C> | Promise<ChildRequest<C>>;
  /**
   * Has its own timeout. Throws NeedsOwnChild, or HearthError: agent_crashed when the child is gone. `context` does
   * nothing while nobody wants the session.
   */
  openIn(child: Child<C>, context: SessionContext): Promise<OpenedSession>;
};

/** `finding`: no child yet, so it can be aborted. `opening`: the agent was asked, and will have a session. */
type Pending = {
  phase: "finding" | "opening" | "opened";
  session: Promise<OpenedSession>;
  waiting: number;
  isTaken: boolean;
  stop: AbortController;
};

/**
 * The sessions of one backend that are being opened. An opening belongs to the session, not to the prompt that began
 * it: once the agent was asked it goes on, even if that prompt is canceled. The next prompt gets the result. A session
 * that nobody takes is closed, so that no agent holds two sessions for one of ours.
 */
export function createOpenings<C>(children: Children<C>) {
  const pending = new Map<string, Pending>();
  /** Shared keys of agents that can hold only one session. */
  const single = new Set<string>();

  async function open(opening: Opening<C>, context: SessionContext, entry: Pending): Promise<OpenedSession> {
    const shared = opening.key(false);
    let isAlone = single.has(shared);
    for (let isFirst = true; ; isFirst = false) {
      entry.phase = "finding";
      const { child, release } = await acquire(opening, isAlone, context, entry.stop.signal);
      entry.phase = "opening";
      try {
        const opened = await opening.openIn(child, context);
        if (isAlone) single.add(shared);
        // Close it while the child is held, so that the child stays for the next prompt.
        if (entry.waiting === 0) await opened.close();
        else if (child.isUsable || !isFirst) return opened;
      } catch (error) {
        if (error instanceof NeedsOwnChild && !isAlone) isAlone = true;
        // The child was stopped for another session meanwhile: try once more.
        else if (!isFirst || !isCrash(error) || (await child.gone).kind !== "stopped") throw error;
      } finally {
        release();
      }
      if (entry.waiting === 0) throw new Error("nobody waits for the session any more");
    }
  }

  async function acquire(
    opening: Opening<C>,
    isAlone: boolean,
    context: SessionContext,
    signal: AbortSignal,
  ) {
    const key = opening.key(isAlone);
    try {
      return await children.acquire(await opening.request(key), signal);
    } catch (error) {
      const trouble = children.failureOf(key);
      if (trouble !== null) context.onEvent({ type: "failed", message: `${trouble}.` });
      throw error;
    }
  }

  function begin(key: string, opening: Opening<C>, context: SessionContext): Pending {
    const { promise: session, resolve } = Promise.withResolvers<OpenedSession>();
    const stop = new AbortController();
    const entry: Pending = { phase: "finding", session, waiting: 0, isTaken: false, stop };
    const isWanted = () => entry.isTaken || entry.waiting > 0;
    const guarded: SessionContext = {
      ...context,
      remember: (value) => void (isWanted() && context.remember(value)),
      onEvent: (event) => void (isWanted() && context.onEvent(event)),
    };
    pending.set(key, entry);
    resolve(Promise.resolve().then(() => open(opening, guarded, entry)));
    session
      .then(async (opened) => {
        entry.phase = "opened";
        if (!isWanted()) await opened.close();
      })
      .catch(() => {}) // the waiting callers get the error
      .finally(() => forget(key, entry));
    return entry;
  }

  function forget(key: string, entry: Pending) {
    if (pending.get(key) === entry) pending.delete(key);
  }

  return {
    /** As `Backend.open`; rejects as soon as the signal aborts. */
    async open(opening: Opening<C>, context: SessionContext, signal: AbortSignal): Promise<OpenedSession> {
      signal.throwIfAborted();
      const key = `${context.session_id} ${context.agent} ${opening.key(false)}`;
      const entry = pending.get(key) ?? begin(key, opening, context);
      entry.waiting += 1;
      try {
        const opened = await orAborted(entry.session, signal);
        entry.isTaken = true;
        return opened;
      } finally {
        entry.waiting -= 1;
        if (entry.waiting === 0 && !entry.isTaken) {
          if (entry.phase === "finding") {
            forget(key, entry);
            entry.stop.abort(signal.reason);
          } else if (entry.phase === "opened")
            inBackground(async () => (await entry.session).close(), ignoreError);
        }
      }
    },
  };
}

const isCrash = (error: unknown): boolean => error instanceof HearthError && error.code === "agent_crashed";
