import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import type { RunRecord } from "../../src/agent/run/record.ts";
import { limitDefaults } from "../../src/protocol/config.ts";
import { createBudgets } from "../../src/server/budgets.ts";
import { openStore } from "../../src/server/store/open.ts";

const started = Date.UTC(2026, 10, 21, 12);
const run = {
  ...{ id: `run_${"1".repeat(32)}`, session_id: `ses_${"1".repeat(32)}`, agent: "hearth" },
  started_at: new Date(started).toISOString(),
} as RunRecord;

let close = () => {};
afterEach(() => close());

/** The budgets of one run, and a clock that stands still until it is moved. */
function open(limits: Partial<typeof limitDefaults>) {
  const dir = mkdtempSync(join(tmpdir(), "hearth-budgets-"));
  const store = openStore(join(dir, "hearth.db"));
  close = () => {
    store.close();
    rmSync(dir, { recursive: true });
  };
  let now = started;
  const budgets = createBudgets({
    ...{ store, limits: () => ({ ...limitDefaults, ...limits }), now: () => new Date(now) },
  }).of(`ws_${"1".repeat(32)}`, run);
  return {
    budgets,
    after: (minutes: number) => {
      now = started + minutes * 60_000;
      return budgets.over(0)?.text ?? null;
    },
  };
}

test("a run's minutes are counted from its start, and going on allows as many again", () => {
  const { budgets, after } = open({ budget_run_minutes: 10 });
  expect([after(0), after(9.99)]).toEqual([null, null]);
  expect(after(10)).toBe("This run has taken 10 min, and limits.budget_run_minutes allows 10 min.");
  const over = budgets.over(0);
  if (over !== null) budgets.raise(over);
  expect([after(10), after(19.99)]).toEqual([null, null]);
  expect(after(20)).toContain("taken 20 min, and limits.budget_run_minutes allows 20 min");
});

test("a run without such a budget may take its time, and a clock that goes back takes none", () => {
  expect(open({}).after(10_000)).toBeNull();
  close();
  const { after } = open({ budget_run_minutes: 1 });
  expect(after(-60)).toBeNull();
});
