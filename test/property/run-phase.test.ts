import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type RunPhase,
  type RunPhaseEffect,
  type RunPhaseEvent,
  stepRunPhase,
} from "../../src/agent/run/phase.ts";

const ended = { outcome: "end_turn" } as const;
const failed = { outcome: "error" } as const;
const anything: fc.Arbitrary<RunPhaseEvent> = fc.constantFrom<RunPhaseEvent>(
  { type: "opened" },
  { type: "open_failed", end: failed },
  { type: "begun" },
  { type: "turn_ended", end: ended },
  { type: "turn_ended", end: failed },
  { type: "stopped" },
  { type: "timed_out" },
);

function play(script: readonly RunPhaseEvent[]) {
  let phase: RunPhase = "opening";
  const effects: RunPhaseEffect[] = [];
  /** The phase that each effect was asked for in. */
  const seen: {
    before: RunPhase;
    event: RunPhaseEvent;
    effects: readonly RunPhaseEffect[];
    after: RunPhase;
  }[] = [];
  for (const event of script) {
    const step = stepRunPhase(phase, event);
    seen.push({ before: phase, event, effects: step.effects, after: step.phase });
    phase = step.phase;
    effects.push(...step.effects);
  }
  return { phase, effects, seen };
}
const count = (effects: readonly RunPhaseEffect[], what: RunPhaseEffect["do"]) =>
  effects.filter((effect) => effect.do === what).length;

describe("the work of one run", () => {
  it("settles once at most, and nothing comes behind that", () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 20 }), (script) => {
        const { phase, effects, seen } = play(script);
        expect(count(effects, "settle")).toBe(phase === "settled" ? 1 : 0);
        if (phase === "settled") expect(effects.at(-1)?.do).toBe("settle");
        for (const { before, after } of seen) if (before === "settled") expect(after).toBe("settled");
      }),
    );
  });

  it("runs its turn once at most, only when it was opened and begun, and never after it was stopped", () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 20 }), (script) => {
        const { effects } = play(script);
        expect(count(effects, "run_turn")).toBeLessThanOrEqual(1);
        expect(count(effects, "tell_opened")).toBeLessThanOrEqual(1);
        const turn = effects.findIndex((effect) => effect.do === "run_turn");
        const stop = effects.findIndex((effect) => effect.do === "abort");
        if (turn !== -1) expect(effects.slice(0, turn).map((effect) => effect.do)).toEqual(["tell_opened"]);
        if (stop !== -1) expect(effects.slice(stop).some((effect) => effect.do === "run_turn")).toBe(false);
      }),
    );
  });

  it("comes to its end once it is stopped: by itself, or by force when it takes too long", () => {
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 20 }), (script) => {
        const { phase, effects } = play([...script, { type: "stopped" }, { type: "timed_out" }]);
        expect(phase).toBe("settled");
        expect(count(effects, "abort")).toBeLessThanOrEqual(1);
        const forced = effects.findIndex((effect) => effect.do === "give_up");
        if (forced !== -1)
          expect(effects.slice(0, forced).some((effect) => effect.do === "abort")).toBe(true);
      }),
    );
  });

  it("that was stopped before its turn has nothing to wait for", () => {
    const { phase, effects } = play([{ type: "opened" }, { type: "stopped" }]);
    expect(phase).toBe("settled");
    expect(effects.map((effect) => effect.do)).toEqual(["tell_opened", "abort", "settle"]);
  });
});
