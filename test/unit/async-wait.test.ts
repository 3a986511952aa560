import { getEventListeners } from "node:events";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Backoff, backoffMs } from "../../src/async/backoff.ts";
import {
  inTime,
  isTimeout,
  orAborted,
  pause,
  settlesWithin,
  sleep,
  untilAborted,
} from "../../src/async/wait.ts";

const FOREVER_MS = 600_000;
const never = () => new Promise<never>(() => {});
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

/** What `work` rejects with. */
const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => expect.unreachable("it resolved"),
    (error: unknown) => error,
  );

describe("waiting", () => {
  test("ends with the signal's own reason, and leaves no timer behind", async () => {
    const before = timers();
    const { signal, abort } = controllerOf();
    const waiting = failureOf(sleep(FOREVER_MS, signal));
    const reason = new Error("enough");
    abort(reason);
    expect(await waiting).toBe(reason);
    expect(await failureOf(sleep(FOREVER_MS, signal))).toBe(reason);
    expect(timers()).toBe(before);
  });

  test("that an abort only shortens does not fail", async () => {
    const { signal, abort } = controllerOf();
    const waiting = Promise.all([pause(FOREVER_MS, signal), untilAborted(signal)]);
    abort(new Error("enough"));
    await waiting;
    await pause(FOREVER_MS, signal);
    await untilAborted(signal);
  });
});

describe("work that is waited for until an abort", () => {
  test("gives what comes of it, and leaves no listener behind", async () => {
    const { signal } = controllerOf();
    expect(await orAborted(Promise.resolve("done"), signal)).toBe("done");
    const failure = new Error("broken");
    expect(await failureOf(orAborted(Promise.reject(failure), signal))).toBe(failure);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("is not waited for after it, nor when it was there before", async () => {
    const { signal, abort } = controllerOf();
    const waiting = failureOf(orAborted(never(), signal));
    const reason = new Error("enough");
    abort(reason);
    expect(await waiting).toBe(reason);
    expect(await failureOf(orAborted(Promise.resolve("done"), signal))).toBe(reason);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("work with a limit of time", () => {
  test("gives what comes of it, and leaves no timer behind", async () => {
    const before = timers();
    expect(await inTime(Promise.resolve("done"), FOREVER_MS, "it was not done")).toBe("done");
    expect(await settlesWithin(Promise.reject(new Error("broken")), FOREVER_MS)).toBe(true);
    expect(timers()).toBe(before);
  });

  test("that takes longer is said to be late, whatever comes of it afterwards", async () => {
    const work = Promise.withResolvers<never>();
    const error = await failureOf(inTime(work.promise, 1, "it was not done"));
    expect(isTimeout(error)).toBe(true);
    expect(String(error)).toContain("it was not done within 0 s");
    expect(await settlesWithin(work.promise, 1)).toBe(false);
    work.reject(new Error("too late to matter"));
    expect(isTimeout(AbortSignal.abort(new DOMException("", "TimeoutError")).reason)).toBe(true);
    expect(isTimeout(new Error("no"))).toBe(false);
  });
});

describe("the delay between tries", () => {
  test("doubles up to its bound", () => {
    const delays = [1, 2, 3, 4, 5, 100].map((failed) => backoffMs({ firstMs: 50, maxMs: 500 }, failed));
    expect(delays).toEqual([50, 100, 200, 400, 500, 500]);
  });

  test("varies by chance, within what it may", () => {
    const part = fc.double({ min: 0, max: 1, noNaN: true });
    const whole = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(part, part, whole, whole, fc.integer({ min: 1, max: 2000 }), part, (...given) => {
        const [below, above, firstMs, more, failed, random] = given;
        const backoff: Backoff = { firstMs, maxMs: firstMs + more, jitter: { below, above } };
        const full = backoffMs({ firstMs, maxMs: firstMs + more }, failed);
        const delay = backoffMs(backoff, failed, () => random);
        expect(delay).toBeGreaterThanOrEqual(Math.floor(full * (1 - below)));
        expect(delay).toBeLessThanOrEqual(Math.ceil(full * (1 + above)));
      }),
    );
  });
});

function controllerOf() {
  const controller = new AbortController();
  return { signal: controller.signal, abort: (reason: Error) => controller.abort(reason) };
}
