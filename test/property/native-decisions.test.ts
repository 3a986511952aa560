import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AnswerSeen, decide, type LoopState, loopStart } from "../../src/agent/native/decide.ts";
import { parseLenient } from "../../src/agent/native/lenient-json.ts";
import { type CallTrace, guardStart, judgeCalls } from "../../src/agent/native/loop-guard.ts";
import { planRetry } from "../../src/agent/native/retry.ts";
import { judgeSilence } from "../../src/agent/native/watchdog.ts";

describe("when a failed request is made again", () => {
  const attempt = fc.record({
    failed: fc.integer({ min: 1, max: 40 }),
    hasStreamed: fc.boolean(),
    waitedMs: fc.nat(2_000_000),
    retriesMax: fc.integer({ min: 0, max: 20 }),
    failure: fc.record({
      isRetryable: fc.boolean(),
      retryAfterMs: fc.option(fc.integer({ min: 0, max: 4_000_000 }), { nil: undefined }),
      triesMax: fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined }),
    }),
  });
  const random = fc.double({ min: 0, max: 0.999999, noNaN: true });

  test("it is never one that cannot succeed, never more often than allowed, and never later than in five minutes", () => {
    fc.assert(
      fc.property(attempt, random, (given, value) => {
        const plan = planRetry(given, () => value);
        if (!plan.again) return;
        expect(given.failure.isRetryable).toBe(true);
        expect(given.failed).toBeLessThanOrEqual(given.retriesMax);
        if (given.hasStreamed) expect(given.failed).toBeLessThanOrEqual(4);
        if (given.failure.triesMax !== undefined) expect(given.failed).toBeLessThan(given.failure.triesMax);
        expect(plan.delayMs).toBeGreaterThanOrEqual(250);
        expect(plan.delayMs).toBeLessThanOrEqual(5 * 60_000);
        // A server that asks for a wait again and again does not hold a turn for longer than a quarter of an hour.
        if (given.failure.retryAfterMs !== undefined)
          expect(given.waitedMs + plan.delayMs).toBeLessThanOrEqual(15 * 60_000);
        if (given.failure.retryAfterMs !== undefined)
          expect(plan.delayMs).toBeGreaterThanOrEqual(given.failure.retryAfterMs);
      }),
    );
  });

  test("by itself it waits 2 s doubling to a minute, give or take a fifth", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), random, (failed, value) => {
        const failure = { isRetryable: true, retryAfterMs: undefined, triesMax: undefined };
        const plan = planRetry(
          { failure, failed, hasStreamed: false, waitedMs: 4_000_000, retriesMax: 30 },
          () => value,
        );
        const base = Math.min(2000 * 2 ** (failed - 1), 60_000);
        expect(plan).toMatchObject({ again: true });
        if (plan.again) expect(Math.abs(plan.delayMs - base)).toBeLessThanOrEqual(base * 0.2 + 1);
      }),
    );
  });
});

describe("silence", () => {
  const limits = { firstByteMs: 60_000, progressMs: 90_000, noticeMs: 15_000 };
  test("is a stall at the limit and not before, and the clock is looked at every five seconds at least", () => {
    fc.assert(
      fc.property(fc.nat(200_000), fc.boolean(), fc.boolean(), (silentMs, hasBegun, wasNotified) => {
        const { verdict, nextMs } = judgeSilence({ silentMs, hasBegun, wasNotified }, limits);
        const limit = hasBegun ? limits.progressMs : limits.firstByteMs;
        expect(verdict === "stalled").toBe(silentMs >= limit);
        expect(verdict === "notify").toBe(silentMs >= limits.noticeMs && silentMs < limit && !wasNotified);
        if (verdict !== "stalled") expect(nextMs).toBeGreaterThanOrEqual(1);
        expect(nextMs).toBeLessThanOrEqual(5000);
        if (verdict !== "stalled") expect(silentMs + nextMs).toBeLessThanOrEqual(limit);
      }),
    );
  });
});

describe("what follows an answer", () => {
  const seen: fc.Arbitrary<AnswerSeen> = fc
    .record({
      end: fc.constantFrom("stop" as const, "length" as const, "refusal" as const),
      hasText: fc.boolean(),
      calls: fc.nat(3),
      truncatedCalls: fc.nat(3),
    })
    .map((made) => ({
      ...made,
      calls: made.end === "refusal" ? 0 : made.calls,
      truncatedCalls: made.end === "length" ? Math.min(made.truncatedCalls, made.calls) : 0,
    }));

  test("never goes beyond the step limit, and ends a step that is not the last with tool_use", () => {
    fc.assert(
      fc.property(
        fc.array(seen, { minLength: 1, maxLength: 30 }),
        fc.option(fc.integer({ min: 1, max: 10 })),
        (answers, stepsMax) => {
          let state: LoopState = loopStart;
          for (const [at, answer] of answers.entries()) {
            const decided = decide(state, answer, stepsMax);
            state = decided.state;
            const goesOn =
              decided.next.do === "nudge" ||
              decided.next.do === "give_up" || // if a person says so
              (decided.next.do === "act" && decided.next.afterwards === "ask");
            expect(decided.finishReason === "tool_use").toBe(goesOn);
            if (stepsMax !== null && at + 1 >= stepsMax) expect(goesOn).toBe(false);
            if (answer.calls > 0) expect(decided.next.do).toBe("act");
            if (!goesOn) return;
          }
        },
      ),
    );
  });

  test("three empty answers in a row are the last", () => {
    const empty: AnswerSeen = { end: "stop", hasText: false, calls: 0, truncatedCalls: 0 };
    let state = loopStart;
    const nexts = [1, 2, 3].map(() => {
      const decided = decide(state, empty, null);
      state = decided.state;
      return decided.next.do;
    });
    expect(nexts).toEqual(["nudge", "nudge", "give_up"]);
  });
});

describe("loops", () => {
  const trace = (signature: string, failure: string | null = null): CallTrace => ({
    signature,
    label: signature,
    failure,
  });
  const run = (steps: CallTrace[][]) => {
    let state = guardStart;
    return steps.map((calls) => {
      const judged = judgeCalls(state, calls);
      state = judged.state;
      return judged.verdict.kind;
    });
  };

  test("a turn whose calls all differ and succeed is never interrupted", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string(), { maxLength: 60 }), (names) => {
        expect(run(names.map((name) => [trace(name)])).every((verdict) => verdict === "fine")).toBe(true);
      }),
    );
  });

  // Eleven calls of two kinds hold six of one.
  test("two calls repeated in any order are stuck within 11 calls, and again after somebody let them go on", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a", "b"), { minLength: 22, maxLength: 22 }), (names) => {
        const verdicts = run(names.map((name) => [trace(name)]));
        expect(verdicts.slice(0, 11)).toContain("stuck");
        expect(verdicts.slice(11)).toContain("stuck");
      }),
      { numRuns: 1000 },
    );
  });

  test("one thing asked for several times in one step is no loop", () => {
    expect(run([[trace("a"), trace("a"), trace("a")]])).toEqual(["fine"]);
  });

  test("failures of one kind are reminded of at three and stuck at ten", () => {
    const kinds = run(Array.from({ length: 10 }, (_, n) => [trace(`${n}`, "bash: exit 1")]));
    const three = ["fine", "fine", "remind"];
    expect(kinds).toEqual([...three, ...three, ...three, "stuck"]);
  });
});

describe("arguments that are not quite JSON", () => {
  test("are read as what they mean when they are whole", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const json = JSON.stringify(value, (_key, inner) => (Object.is(inner, -0) ? 0 : inner));
        expect(parseLenient(`\`\`\`json\n${json}\n\`\`\``)).toEqual({ value: JSON.parse(json) });
      }),
    );
  });

  test("are never made of something that was cut off", () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.string({ minLength: 1 }), fc.string(), { minKeys: 1 }),
        fc.nat(),
        (value, at) => {
          const json = JSON.stringify(value);
          const cut = json.slice(0, 1 + (at % (json.length - 1)));
          expect(parseLenient(cut)).toBeUndefined();
        },
      ),
    );
  });

  test("keep raw line breaks inside strings", () => {
    expect(parseLenient('{"text":"one\ntwo"}')).toEqual({ value: { text: "one\ntwo" } });
    expect(parseLenient("{'text': 'it\\'s \"so\"'}")).toEqual({ value: { text: 'it\'s "so"' } });
  });
});
