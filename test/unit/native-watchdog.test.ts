import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startWatch } from "../../src/agent/native/watchdog.ts";

const limits = { firstByteMs: 300_000, progressMs: 300_000, noticeMs: 15_000 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A machine whose time of day, waking time and sleep are moved apart from each other. */
function machine() {
  let awake = 1_000;
  let asleep = 0;
  const told: string[] = [];
  const watch = startWatch(
    limits,
    { quiet: () => told.push("quiet"), stall: () => told.push("stall") },
    { awakeMs: () => awake, bootMs: () => awake + asleep + 7 },
  );
  return {
    told,
    watch,
    passes(ms: number) {
      for (let left = ms; left > 0; left -= 1_000) {
        awake += Math.min(1_000, left);
        vi.advanceTimersByTime(Math.min(1_000, left));
      }
    },
    sleeps(ms: number) {
      asleep += ms;
    },
  };
}

test.each([2 * 3_600_000, -2 * 3_600_000])("a time of day that jumps by %i ms changes nothing", (jump) => {
  const { told, watch, passes } = machine();
  passes(10_000);
  watch.progress();
  vi.setSystemTime(Date.now() + jump);
  passes(10_000);
  expect(told).toEqual([]);
  passes(5_000);
  expect(told).toEqual(["quiet"]);
  passes(284_000);
  expect(told).toEqual(["quiet"]);
  passes(1_000);
  expect(told).toEqual(["quiet", "stall"]);
});

test("a stream that was silent over a night's sleep is given up within seconds after waking", () => {
  const { told, passes, sleeps } = machine();
  passes(3_000);
  sleeps(8 * 3_600_000);
  passes(5_000);
  expect(told).toEqual(["stall"]);
});

test("what is said after waking counts", () => {
  const { told, watch, passes, sleeps } = machine();
  passes(3_000);
  sleeps(8 * 3_600_000);
  watch.progress();
  passes(14_000);
  expect(told).toEqual([]);
});

test("silence of a minute and a half is ordinary", () => {
  const { told, passes } = machine();
  passes(90_000);
  expect(told).toEqual(["quiet"]);
});
