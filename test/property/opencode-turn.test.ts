import fc from "fast-check";
import { expect, test } from "vitest";
import {
  isListening,
  newTurn,
  stepTurn,
  type TurnEffect,
  type TurnEvent,
  type TurnState,
} from "../../src/agent/opencode/turn-state.ts";
import type { RunError } from "../../src/protocol/run.ts";

const error: RunError = { code: "provider_error", message: "It failed.", retryable: true };

const event: fc.Arbitrary<TurnEvent> = fc.oneof(
  fc.constantFrom<TurnEvent>(
    { type: "posted" },
    { type: "post_lost", error },
    { type: "failed", error },
    { type: "taken" },
    { type: "busy" },
    { type: "retrying", text: "again" },
    { type: "idle" },
    { type: "session_failed", error },
    { type: "session_failed", error: null },
    { type: "answered" },
    { type: "over", result: { outcome: "end_turn" } },
    { type: "over", result: { outcome: "error", error } },
    { type: "maybe_over" },
    { type: "missed" },
    { type: "canceled" },
    { type: "withdrawn" },
    { type: "preempted" },
    { type: "forced" },
    { type: "child_gone", error },
  ),
  fc.record({ type: fc.constant("post_found" as const), wasTaken: fc.boolean() }),
  fc.record({ type: fc.constant("polled" as const), isBusy: fc.boolean() }),
  fc.record({ type: fc.constant("aborted" as const), isBusy: fc.boolean() }),
);
const life = fc.array(event, { maxLength: 40 });
/** Without what ends a turn from outside, or by a failure. */
const quietLife = life.map((events) =>
  events.filter(({ type }) => !["failed", "post_lost", "preempted", "forced", "child_gone"].includes(type)),
);

type Played = {
  event: TurnEvent;
  before: TurnState;
  after: TurnState;
  effects: readonly TurnEffect[];
};

function play(events: readonly TurnEvent[], from: TurnState = newTurn): Played[] {
  let state = from;
  return events.map((each) => {
    const { state: after, effects } = stepTurn(state, each);
    const played = { event: each, before: state, after, effects };
    state = after;
    return played;
  });
}
const count = (played: readonly Played[], what: TurnEffect["do"]) =>
  played.flatMap(({ effects }) => effects).filter((effect) => effect.do === what).length;
const last = (events: readonly TurnEvent[]): TurnState => play(events).at(-1)?.after ?? newTurn;

test("a turn has at most one end, and nothing is done or processed after it", () => {
  fc.assert(
    fc.property(life, (events) => {
      const played = play(events);
      expect(count(played, "settle")).toBe(played.at(-1)?.after.phase === "settled" ? 1 : 0);
      for (const { before, effects } of played) if (before.phase === "settled") expect(effects).toEqual([]);
    }),
  );
});

test("idle and error events of the session settle nothing by themselves, and are nothing before its own work", () => {
  fc.assert(
    fc.property(quietLife, (events) => {
      for (const { event: each, before, effects } of play(events)) {
        if (each.type !== "idle" && each.type !== "session_failed" && each.type !== "busy") continue;
        expect(effects.some((effect) => effect.do === "settle")).toBe(false);
        if (before.phase === "running" && !before.isTaken) expect(before.wasBusy).toBe(false);
        if (before.phase === "running" && !before.wasBusy) expect(effects).toEqual([]);
      }
    }),
  );
});

test("undisturbed it settles by its own end, or when a poll finds it idle", () => {
  fc.assert(
    fc.property(quietLife, (events) => {
      for (const { event: each, effects } of play(events))
        for (const effect of effects)
          if (effect.do === "settle") expect(["over", "polled", "withdrawn"]).toContain(each.type);
    }),
  );
});

test("one poll is under way at a time, and each that was asked for happens", () => {
  fc.assert(
    fc.property(life, (events) => {
      let underWay = 0;
      for (const { event: each, before, after, effects } of play(events)) {
        if (before.phase === "running" && before.poll === "none" && each.type === "polled") continue;
        if (each.type === "polled") underWay -= 1;
        underWay += effects.filter((effect) => effect.do === "poll").length;
        if (after.phase === "settled") return;
        expect(underWay).toBe(after.poll === "none" ? 0 : 1);
      }
    }),
  );
});

test("a prompt whose post was lost is looked for, and posted again once at most", () => {
  fc.assert(
    fc.property(life, (events) => {
      const played = play(events);
      expect(count(played, "find_post")).toBeLessThanOrEqual(1);
      expect(count(played, "post")).toBeLessThanOrEqual(1);
      for (const { event: each, effects } of played)
        if (effects.some((effect) => effect.do === "post"))
          expect(each).toEqual({ type: "post_found", wasTaken: false });
    }),
  );
});

test("once it is canceled that is its outcome, and its own end alone does not settle it", () => {
  fc.assert(
    fc.property(life, (events) => {
      for (const { event: each, before, effects } of play(events)) {
        if (before.phase === "settled" || before.cancel === "none") continue;
        for (const effect of effects) {
          if (effect.do !== "settle") continue;
          expect(effect.result).toEqual({ outcome: "canceled" });
          expect(["withdrawn", "forced", "child_gone"]).toContain(each.type);
        }
      }
    }),
  );
});

test("an abort waits for the answer to the post, and goes on until the session is idle", () => {
  fc.assert(
    fc.property(life, (events) => {
      for (const { before, after, effects } of play(events)) {
        if (effects.some((effect) => effect.do === "abort") && after.phase === "running")
          expect([after.post, after.cancel]).toEqual(["answered", "under_way"]);
        if (effects.some((effect) => effect.do === "withdraw"))
          expect(before).toMatchObject({ cancel: "under_way" });
      }
      const left = last([...events, { type: "canceled" }]);
      if (left.phase === "settled") return;
      const posted = stepTurn(left, { type: "posted" });
      expect(stepTurn(posted.state, { type: "aborted", isBusy: true }).effects).toEqual([{ do: "abort" }]);
      const idle = stepTurn(posted.state, { type: "aborted", isBusy: false });
      expect(idle.effects).toEqual([{ do: "withdraw" }]);
      expect(stepTurn(idle.state, { type: "withdrawn" }).effects).toEqual([
        { do: "settle", result: { outcome: "canceled" } },
      ]);
    }),
  );
});

test("by force, and with its child, it settles at once from wherever it is", () => {
  fc.assert(
    fc.property(life, (events) => {
      const left = last(events);
      if (left.phase === "settled") return;
      for (const end of [{ type: "forced" }, { type: "child_gone", error }] as const)
        expect(stepTurn(left, end).state).toEqual({ phase: "settled" });
    }),
  );
});

test("nothing is processed after its own end, also while a cancel is pending", () => {
  fc.assert(
    fc.property(life, (events) => {
      for (const { event: each, before, after } of play(events)) {
        if (each.type === "over") expect(isListening(after)).toBe(false);
        if (!isListening(before)) expect(isListening(after)).toBe(false);
      }
    }),
  );
});
