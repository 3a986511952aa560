import fc from "fast-check";
import { expect, test } from "vitest";
import {
  isListening,
  newSession,
  type SessionEffect,
  type SessionEvent,
  type SessionState,
  stepSession,
} from "../../src/agent/acp/session/state.ts";

const event: fc.Arbitrary<SessionEvent> = fc.oneof(
  fc.constantFrom<SessionEvent>(
    { type: "opened" },
    { type: "turn_began" },
    { type: "follow" },
    { type: "work_update" },
    { type: "quiet" },
    { type: "prepared" },
    { type: "canceled" },
    { type: "failed" },
    { type: "abandoned" },
    { type: "child_gone" },
    { type: "closed" },
  ),
  fc.record({ type: fc.constant("answered" as const), isCutShort: fc.boolean() }),
);
/** Mostly of sessions that were opened. */
const life = fc
  .tuple(fc.boolean(), fc.array(event, { maxLength: 40 }))
  .map(([isOpen, events]): SessionEvent[] => (isOpen ? [{ type: "opened" }, ...events] : events));

type Played = {
  event: SessionEvent;
  before: SessionState;
  after: SessionState;
  effects: readonly SessionEffect[];
};

function play(events: readonly SessionEvent[]): Played[] {
  let state = newSession;
  return events.map((each) => {
    const { state: after, effects } = stepSession(state, each);
    const played = { event: each, before: state, after, effects };
    state = after;
    return played;
  });
}
const has = (effects: readonly SessionEffect[], what: SessionEffect["do"]) =>
  effects.some((effect) => effect.do === what);

test("every turn that began has one end, and none has an end that did not begin", () => {
  fc.assert(
    fc.property(life, (events) => {
      let open = 0;
      for (const { effects, after } of play(events)) {
        if (has(effects, "prepare") || has(effects, "follow")) open += 1;
        if (has(effects, "settle")) open -= 1;
        expect(open).toBe(after.turn === null ? 0 : 1);
      }
    }),
  );
});

test("a prompt is sent once in a turn, only to an open session, and not before the former answer", () => {
  fc.assert(
    fc.property(life, (events) => {
      let isUnanswered = false;
      for (const { before, effects, event: each } of play(events)) {
        if (has(effects, "send_prompt")) {
          expect(isUnanswered).toBe(false);
          expect(before.turn).toEqual({ phase: "preparing", isCanceled: false });
          isUnanswered = true;
        }
        if (each.type === "turn_began" && before.turn !== null) expect(has(effects, "refuse")).toBe(true);
        if (has(effects, "settle")) isUnanswered = false;
      }
    }),
  );
});

test("a cancel is sent once, behind the prompt, and is the turn's outcome whatever else comes", () => {
  fc.assert(
    fc.property(life, (events) => {
      let sent = 0;
      for (const { before, effects } of play(events)) {
        if (has(effects, "prepare") || has(effects, "follow")) sent = 0;
        if (has(effects, "send_cancel")) {
          sent += 1;
          expect(before.turn?.phase).not.toBe("preparing");
        }
        expect(sent).toBeLessThanOrEqual(1);
        for (const effect of effects)
          if (effect.do === "settle" && before.turn?.isCanceled) expect(effect.end.kind).toBe("canceled");
      }
    }),
  );
});

test("a canceled turn settles by its answer, its failure or by force, and nothing else keeps it", () => {
  fc.assert(
    fc.property(life, (events) => {
      for (const { after } of play(events)) {
        if (after.turn === null || after.turn.phase === "following") continue;
        const canceled = stepSession(after, { type: "canceled" }).state;
        for (const last of [{ type: "failed" }, { type: "abandoned" }] as const)
          expect(stepSession(canceled, last)).toMatchObject({
            state: { turn: null },
            effects: [{ do: "settle", end: { kind: "canceled" } }],
          });
        if (after.turn.phase !== "prompted") continue;
        expect(stepSession(canceled, { type: "answered", isCutShort: true }).effects).toEqual([
          { do: "settle", end: { kind: "canceled", isAnswered: true } },
        ]);
      }
    }),
  );
});

test("updates count only in a turn, prompted or the agent's own, and never after the session is gone", () => {
  fc.assert(
    fc.property(life, (events) => {
      for (const { event: each, before, after, effects } of play(events)) {
        if (before.session === "gone") expect(isListening(after)).toBe(false);
        if (has(effects, "settle")) expect(isListening(after)).toBe(false);
        if (!isListening(before) && isListening(after))
          expect(has(effects, "send_prompt") || has(effects, "follow")).toBe(true);
        if (each.type === "work_update") expect(has(effects, "deliver")).toBe(isListening(before));
      }
    }),
  );
});

test("updates without a turn are kept only after a turn that ended normally", () => {
  fc.assert(
    fc.property(life, (events) => {
      let lastEnd: string | undefined;
      for (const { before, effects } of play(events)) {
        for (const effect of effects) {
          if (effect.do === "settle") lastEnd = effect.end.kind;
          if (effect.do !== "buffer") continue;
          expect(before.turn).toBeNull();
          expect(["answered", "quiet"]).toContain(lastEnd);
        }
      }
    }),
  );
});

test("a session that is gone stays gone, and reports it at most once", () => {
  fc.assert(
    fc.property(life, (events) => {
      const played = play(events);
      expect(played.filter(({ effects }) => has(effects, "leave")).length).toBeLessThanOrEqual(1);
      for (const { before, after } of played)
        if (before.session === "gone") expect(after.session).toBe("gone");
    }),
  );
});
