import { expect, test } from "vitest";
import type { OpenedSession, SessionContext } from "../../src/agent/backend.ts";
import { createWarmSessions } from "../../src/agent/run/warm-sessions.ts";

const context: SessionContext = {
  ...{ session_id: "ses_1", agent: "slow", root: "/", model: null, mode: "ask", agent_mode: null, env: {} },
  ...{ remembered: null, remember: () => {}, onEvent: () => {} },
};

/** An agent that takes as long as the test says to open, whatever its signal says. */
function createSlowAgent() {
  const opening: (() => void)[] = [];
  const closed: number[] = [];
  let made = 0;
  const warm = createWarmSessions({
    backend: () => ({
      kind: "acp",
      close: async () => {},
      async open() {
        await new Promise<void>((resolve) => opening.push(resolve));
        const nth = made++;
        const session: OpenedSession = {
          ...{ kind: "new", isUsable: async () => true, kill: async () => {} },
          runTurn: async () => ({ outcome: "end_turn" }),
          close: async () => void closed.push(nth),
        };
        return session;
      },
    }),
    report: (message, cause) => {
      throw new Error(message, { cause });
    },
  });
  const until = async (count: number) => {
    while (opening.length < count) await new Promise((resolve) => setImmediate(resolve));
  };
  return { warm, opening, closed, until, made: () => made };
}

test("an agent session that is there after its run was canceled is kept for the next, as the one that it needs", async () => {
  const { warm, opening, closed, until } = createSlowAgent();
  const canceled = new AbortController();
  const first = warm.take(context, canceled.signal);
  await until(1);
  canceled.abort();
  opening[0]?.();
  await expect(first).rejects.toThrow();
  const { signal } = new AbortController();
  await expect(warm.take(context, signal)).resolves.toBeDefined();
  expect([opening.length, closed]).toEqual([1, []]);
});

test("of two that were opened one is kept and one closed, whichever comes first", async () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const { warm, opening, closed, until } = createSlowAgent();
    const canceled = new AbortController();
    const takes = [warm.take(context, canceled.signal), warm.take(context, new AbortController().signal)];
    await until(2);
    canceled.abort();
    for (const nth of order) {
      opening[nth]?.();
      await takes[nth]?.catch(() => {});
    }
    expect(closed).toHaveLength(1);
    // The one that is used is the second's, whenever it came.
    expect(closed).toEqual([order[0] === 0 ? 0 : 1]);
    await warm.release();
    expect(closed.toSorted()).toEqual([0, 1]);
  }
});

test("one that comes when the session is gone is closed", async () => {
  const { warm, opening, closed, until } = createSlowAgent();
  const canceled = new AbortController();
  const first = warm.take(context, canceled.signal);
  await until(1);
  canceled.abort();
  await warm.release();
  opening[0]?.();
  await expect(first).rejects.toThrow();
  expect(closed).toEqual([0]);
});

test("an end waits for what was being closed before it", async () => {
  const gate = Promise.withResolvers<void>();
  let made = 0;
  const warm = createWarmSessions({
    backend: () => ({
      kind: "acp",
      close: async () => {},
      async open() {
        const nth = made++;
        return {
          ...{ kind: "new", isUsable: async () => false, kill: async () => {} },
          runTurn: async () => ({ outcome: "end_turn" }),
          close: () => (nth === 0 ? gate.promise : Promise.resolve()),
        };
      },
    }),
    report: () => {},
  });
  const { signal } = new AbortController();
  await warm.take(context, signal);
  await warm.take(context, signal); // for another environment: the first is closed
  let isReleased = false;
  const released = warm.release().then(() => {
    isReleased = true;
  });
  await new Promise((resolve) => setImmediate(resolve));
  expect(isReleased).toBe(false);
  gate.resolve();
  await released;
});
