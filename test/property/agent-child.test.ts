import fc from "fast-check";
import { expect, test } from "vitest";
import {
  type ChildEffect,
  type ChildEvent,
  type ChildState,
  isDying,
  newChild,
  stepChild,
} from "../../src/agent/children/child-state.ts";

const event: fc.Arbitrary<ChildEvent> = fc.oneof(
  fc.constantFrom<ChildEvent>(
    { type: "ready" },
    { type: "turn_began" },
    { type: "turn_ended" },
    { type: "retired" },
    { type: "connection_lost" },
    { type: "exit_overdue" },
    { type: "exited" },
    { type: "cleaned_up" },
  ),
  fc.record({ type: fc.constant("failed" as const), why: fc.constantFrom("one", "two") }),
  fc.record({ type: fc.constant("stop" as const), isGraceful: fc.boolean() }),
);
const life = fc.array(event, { maxLength: 30 });

type Played = { event: ChildEvent; before: ChildState; after: ChildState; effects: readonly ChildEffect[] };

function play(events: readonly ChildEvent[]): Played[] {
  let state = newChild;
  return events.map((each) => {
    const { state: after, effects } = stepChild(state, each);
    const played = { event: each, before: state, after, effects };
    state = after;
    return played;
  });
}
const effectsOf = (played: readonly Played[]) => played.flatMap(({ effects }) => effects);
const doing = (effects: readonly ChildEffect[], what: ChildEffect["do"]) =>
  effects.filter((effect) => effect.do === what);
/** However it went, its process exits and what it leaves is cleared. */
const toItsEnd = (events: readonly ChildEvent[]) =>
  play([...events, { type: "exited" }, { type: "cleaned_up" }, { type: "exited" }, { type: "cleaned_up" }]);

test("a child has one end, nothing follows it, and it is told to end once at most", () => {
  fc.assert(
    fc.property(life, (events) => {
      const played = toItsEnd(events);
      const effects = effectsOf(played);
      expect(doing(effects, "gone")).toHaveLength(1);
      expect(effects.at(-1)?.do).toBe("gone");
      expect(doing(effects, "clean_up")).toHaveLength(1);
      expect(doing(effects, "end").length).toBeLessThanOrEqual(1);
    }),
  );
});

test("it is handed out only while it is live, and taken back once", () => {
  fc.assert(
    fc.property(life, (events) => {
      const played = toItsEnd(events);
      const wasLive = played.some(({ after }) => after.phase === "live");
      expect(doing(effectsOf(played), "withdraw")).toHaveLength(wasLive ? 1 : 0);
      for (const { before, after, effects } of played) {
        const hasLeft = before.phase === "live" && after.phase !== "live";
        expect(doing(effects, "withdraw")).toHaveLength(hasLeft ? 1 : 0);
        // Once it has been left it is never live again.
        if (before.phase !== "starting" && before.phase !== "live") expect(after.phase).not.toBe("live");
      }
    }),
  );
});

test("a crash is an end that hearth did not ask for, or a failure", () => {
  fc.assert(
    fc.property(life, (events) => {
      const played = toItsEnd(events);
      const [gone] = doing(effectsOf(played), "gone");
      const ending = played.find(({ effects }) => effects.some(({ do: what }) => what === "end"));
      const wanted = ending !== undefined && ["stop", "retired", "turn_ended"].includes(ending.event.type);
      expect(gone).toMatchObject({
        kind: wanted ? "stopped" : "crashed",
        isCounted: played.some(({ after }) => after.phase === "live"),
      });
      if (ending?.event.type === "failed") expect(gone).toMatchObject({ failure: ending.event.why });
    }),
  );
});

test("a retiring child ends with its last turn and not before, unless it is stopped or fails", () => {
  fc.assert(
    fc.property(life, (events) => {
      for (const { event: each, before, after, effects } of play(events)) {
        if (before.phase !== "retiring" || doing(effects, "end").length === 0) continue;
        if (each.type === "turn_ended") expect(after.turns).toBe(0);
        else expect(["stop", "failed"]).toContain(each.type);
      }
    }),
  );
});

test("who waits for a dying child waits for its end alone", () => {
  fc.assert(
    fc.property(life, (events) => {
      for (const { before, after } of play(events)) {
        if (!isDying(before)) continue;
        expect(isDying(after) || ["stopping", "exited", "gone"].includes(after.phase)).toBe(true);
      }
    }),
  );
});
