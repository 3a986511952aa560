// What happens to a session's runs while the store cannot be written, and when what a run needs cannot be had.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { CoordinatorDeps } from "../../src/agent/run/coordinator.ts";
import type { RunId } from "../../src/protocol/ids.ts";
import { checkStore } from "../support/check-session.ts";
import { createFaultyStore } from "../support/faulty-store.ts";
import { createPlayer } from "../support/play-session.ts";
import { createScriptedBackend, openSession } from "../support/scripted-session.ts";

/** More than the pause after which the store is tried again. */
const RETRY_MS = 1000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A session whose store is taken away and given back. */
function openHere(coordinator: Partial<CoordinatorDeps> = {}) {
  const dir = mkdtempSync(join(tmpdir(), "hearth-run-events-"));
  const file = join(dir, "hearth.db");
  const scripted = createScriptedBackend();
  let isAway = false;
  const session = openSession(file, scripted.backend, {
    store: (real) => createFaultyStore(real, () => (isAway ? "locked" : null)).store,
    coordinator,
  });
  const accepted: RunId[] = [];
  const player = createPlayer({ session, scripted, onAccepted: (id) => void accepted.push(id) });
  onTestFinished(() => {
    session.close();
    rmSync(dir, { recursive: true, force: true });
  });
  return {
    session,
    scripted,
    player,
    accepted,
    outcome: (nth: number) => session.store.runs.get(accepted[nth] ?? "")?.outcome,
    take: () => {
      isAway = true;
    },
    async giveBack() {
      isAway = false;
      await vi.advanceTimersByTimeAsync(RETRY_MS);
      await player.play([]);
    },
    async finish() {
      await player.drain();
      checkStore(file, accepted);
    },
  };
}
const prompt = { move: "prompt", delivery: "queue", agent: "scripted" } as const;

test("a cancel ends and holds what it answers, also when the run before had settled and could not be written", async () => {
  const here = openHere();
  await here.player.play([prompt, prompt]);
  const [first, second] = here.accepted;
  here.take();
  here.scripted.turns[0]?.end({ outcome: "end_turn" });
  await here.player.play([{ move: "text" }]);
  expect(here.session.coordinator.cancel("active", "me")).toEqual({ canceled: [first], held: [second] });
  // What is decided next counts on it.
  expect(here.session.coordinator.cancel("active", "me")).toEqual({ canceled: [], held: [] });
  await here.giveBack();
  expect(here.outcome(0)).toBe("canceled");
  expect(here.session.coordinator.unfinished().map(({ id, state }) => [id, state])).toEqual([
    [second, "held"],
  ]);
  expect(here.session.coordinator.cancel("all", "me")).toEqual({ canceled: [second], held: [] });
  await here.finish();
});

test("what a run's end leads to is carried out behind it, whatever fails at once and again", async () => {
  let isGone = false;
  const here = openHere({
    contextOf(run) {
      if (isGone) throw new Error("the folder is gone");
      return {
        ...{ session_id: run.session_id, agent: run.agent, root: "/", model: null, mode: "ask" },
        ...{ agent_mode: null, env: {}, remembered: null, remember: () => {}, onEvent: () => {} },
      };
    },
  });
  await here.player.play([prompt, prompt, prompt]);
  isGone = true;
  here.take();
  here.scripted.turns[0]?.end({ outcome: "end_turn" });
  await here.player.play([]);
  await here.giveBack();
  // The second could not even be opened, nor the third; no event of theirs was lost.
  expect([0, 1, 2].map(here.outcome)).toEqual(["end_turn", "error", "error"]);
  expect(here.session.coordinator.isIdle()).toBe(true);
  isGone = false;
  await here.player.play([prompt, { move: "end" }]);
  expect(here.outcome(3)).toBe("end_turn");
  here.session.reports.length = 0;
  await here.finish();
});

test("a run whose end cannot be written because of what it said ends without that", async () => {
  const here = openHere();
  await here.player.play([prompt, prompt, { move: "text" }]);
  const endless: { self?: unknown } = {};
  endless.self = endless;
  const call = { tool_call_id: "call", name: "x", kind: "other", title: "x", input: endless } as const;
  here.scripted.turns[0]?.say({ type: "tool_call", ...call, status: "running" });
  await here.player.play([{ move: "settle_all" }]);
  expect(here.outcome(0)).toBe("error");
  expect(here.session.reports.length).toBeGreaterThan(0);
  here.session.reports.length = 0;
  await here.player.play([{ move: "end" }]);
  expect(here.outcome(1)).toBe("end_turn");
  await here.finish();
});

test("a prompt is refused while an end waits for the store, and nothing of it is left", async () => {
  const here = openHere();
  await here.player.play([prompt]);
  here.take();
  here.scripted.turns[0]?.end({ outcome: "end_turn" });
  await here.player.play([]);
  await expect(here.player.play([prompt])).rejects.toMatchObject({ code: "store_unavailable" });
  expect(() => here.session.coordinator.close("me")).toThrow(/cannot be/);
  await here.giveBack();
  expect(here.session.coordinator.unfinished()).toEqual([]);
  await here.player.play([prompt]);
  await here.finish();
});

test("the work that a cancel ends stops at once, and is given up in time, without the store", async () => {
  const here = openHere();
  await here.player.play([prompt]);
  here.take();
  here.session.coordinator.cancel("all", "me");
  expect(here.scripted.turns[0]?.signal.aborted).toBe(true);
  await vi.advanceTimersByTimeAsync(6000);
  await here.giveBack();
  expect(here.outcome(0)).toBe("canceled");
  expect(here.session.coordinator.isIdle()).toBe(true);
  await here.finish();
});

test("a clock that is set back two hours makes no duration negative", async () => {
  let clockMs = Date.now();
  let runningMs = 0;
  const here = openHere({ now: () => new Date(clockMs), monotonicMs: () => runningMs });
  await here.player.play([prompt]);
  clockMs -= 2 * 3600_000;
  runningMs += 1500;
  await here.player.play([{ move: "end" }]);
  const { wid, store } = here.session;
  const [end] = store.events.ofTypes(wid, ["run.completed"]);
  expect(JSON.parse(end?.payload_json ?? "{}")).toMatchObject({ duration_ms: 1500 });
  await here.finish();
});
