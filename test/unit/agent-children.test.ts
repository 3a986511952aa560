import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { fingerprintOf, redact, withoutHearth } from "../../src/agent/children/environment.ts";
import {
  addFailure,
  delayLeftMs,
  type FailureStreak,
  isSuspended,
} from "../../src/agent/children/failure-streak.ts";
import { createTextRing } from "../../src/agent/children/text-ring.ts";
import { createWarmKeeper, type Warm } from "../../src/agent/children/warm-keeper.ts";

describe("failures in a row", () => {
  test("are followed by pauses of 1, 2, 4 … 60 seconds, counted from the failure", () => {
    let failures: FailureStreak | undefined;
    const pauses: number[] = [];
    for (let n = 0; n < 9; n += 1) {
      failures = addFailure(failures, 1000, "it broke");
      pauses.push(delayLeftMs(failures, 1000));
    }
    expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000]);
    expect(delayLeftMs(failures, 31_000)).toBe(30_000);
    expect(delayLeftMs(failures, 999_999)).toBe(0);
    expect(delayLeftMs(undefined, 0)).toBe(0);
  });

  test("suspend the agent after three", () => {
    const one = addFailure(undefined, 0, "");
    const two = addFailure(one, 0, "");
    expect([one, two, addFailure(two, 0, "")].map(isSuspended)).toEqual([false, false, true]);
    expect(isSuspended(undefined)).toBe(false);
  });
});

describe("what a child writes to its stderr", () => {
  test("is kept up to a bound, the newest part", () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ maxLength: 80 })),
        fc.integer({ min: 1, max: 100 }),
        (pieces, bytesMax) => {
          const ring = createTextRing(bytesMax);
          const ascii = pieces.map((piece) => piece.replace(/[^a-z]/g, "x"));
          for (const piece of ascii) ring.push(Buffer.from(piece));
          expect(ring.tail(1000)).toBe(ascii.join("").slice(-bytesMax));
        },
      ),
    );
  });

  test("is shown without colours, progress and empty lines, the last characters", () => {
    const ring = createTextRing(10_000);
    ring.push(Buffer.from("\x1b[31mfatal:\x1b[0m no key\r\n\n\n  \x1b]0;title\x07bye\x00\n"));
    expect(ring.tail(100)).toBe("fatal: no key\nbye");
    expect(ring.tail(3)).toBe("bye");
  });

  test("is shown in whole lines, and only since the turn began", () => {
    const ring = createTextRing(10_000);
    ring.push(Buffer.from("session created in 745 ms\nlast words before\n"));
    expect(ring.tail(30)).toBe("last words before");
    ring.mark();
    expect(ring.tail(100)).toBe("");
    ring.push(Buffer.from("panic\n"));
    expect(ring.tail(100)).toBe("panic");
  });

  test("is shown without the child's secrets", () => {
    const env = { OPENAI_API_KEY: "sk-very-secret", SHORT_TOKEN: "abc", HOME: "/home/someone" };
    expect(redact("key sk-very-secret abc /home/someone", env)).toBe("key [secret] abc /home/someone");
  });
});

describe("a fingerprint", () => {
  const base = { command: ["agent", "acp"], cwd: "/w", env: { PATH: "/bin", WORD: "a" } };

  test("is the same in another terminal, and in any order", () => {
    const env = {
      WORD: "a",
      TERM: "dumb",
      COLORTERM: "x",
      SSH_AUTH_SOCK: "/y",
      HEARTH_HOME: "/z",
      PATH: "/bin",
    };
    expect(fingerprintOf({ ...base, env })).toBe(fingerprintOf(base));
  });

  test("is another for another command, directory, environment or program", () => {
    const others = [
      { ...base, command: ["agent", "acp", "-v"] },
      { ...base, cwd: "/v" },
      { ...base, env: { PATH: "/bin", WORD: "b" } },
      { ...base, more: ["2"] },
    ];
    expect(new Set([base, ...others].map(fingerprintOf)).size).toBe(5);
  });

  test("and a child's environment leave out hearth's own variables", () => {
    expect(withoutHearth({ HEARTH_HOME: "x", HEARTHSTONE: "y", PATH: "z" })).toEqual({
      HEARTHSTONE: "y",
      PATH: "z",
    });
  });
});

describe("what is kept warm", () => {
  type Entry = Warm & { name: string; busy: boolean; used: number };
  function keeperOf(limits: { idle_evict_ms: number; max_warm: number }) {
    const evicted: string[] = [];
    const waiters = new Set<() => void>();
    let now = 0;
    const keeper = createWarmKeeper({ limits: () => limits, now: () => now });
    const add = (name: string, used: number, busy = false): Entry => {
      const entry: Entry = {
        ...{ name, busy, used },
        isBusy: () => entry.busy,
        usedAt: () => entry.used,
        evict() {
          evicted.push(name);
          keeper.remove(entry);
          for (const wake of waiters) wake();
        },
      };
      keeper.add(entry);
      return entry;
    };
    return {
      keeper,
      add,
      evicted,
      at(time: number) {
        now = time;
        keeper.changed();
      },
      until: async (count: number) => {
        while (evicted.length < count) await new Promise<void>((resolve) => waiters.add(resolve));
      },
    };
  }

  test("ends by itself when it was idle for long enough", async () => {
    const { keeper, add, evicted, until } = keeperOf({ idle_evict_ms: 30, max_warm: 6 });
    const entry = add("one", 0);
    // The keeper's own timer looks again; its clock has to have gone on by then.
    entry.used = -1000;
    await until(1);
    expect(evicted).toEqual(["one"]);
    keeper.close();
  });

  test("ends, the least recently used first, when there are too many, but never a busy one", () => {
    const { keeper, add, evicted, at } = keeperOf({ idle_evict_ms: 1_000_000, max_warm: 2 });
    add("old and busy", 0, true);
    add("older", 100);
    add("newer", 200);
    add("newest", 5000);
    at(5500);
    expect(evicted).toEqual(["older", "newer"]);
    keeper.close();
  });

  test("is safe in the moment between being handed out and being used", () => {
    const { keeper, add, evicted, at } = keeperOf({ idle_evict_ms: 1_000_000, max_warm: 1 });
    at(10_000);
    add("one", 9_500);
    add("two", 9_900);
    at(10_100);
    expect(evicted).toEqual([]);
    at(10_600);
    expect(evicted).toEqual(["one"]);
    keeper.close();
  });
});
