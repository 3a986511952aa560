import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type CancelDecision,
  decideCancel,
  idleQueue,
  queuePosition,
  type RunEffect,
  type RunQueue,
  type RunQueueEvent,
  recoveredQueue,
  stepRuns,
} from "../../src/agent/run/state.ts";
import type { RunId } from "../../src/protocol/ids.ts";

/** What the outside does, in terms that need no knowledge of the state: ids are chosen by index. */
type Move =
  | { move: "prompt"; delivery: "queue" | "steer" }
  | { move: "opened" | "settled" | "failed" | "step" | "stop" | "withdraw"; pick: number }
  | { move: "cancel"; scope: "all" | "active" }
  /** A cancel that is decided now and carried out after the next moves. */
  | { move: "late_cancel"; scope: "all" | "active"; after: number }
  | { move: "resume" | "attend" | "crash" | "close" | "reopen" | "shut" };

const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        move: fc.constant("prompt" as const),
        delivery: fc.constantFrom("queue", "steer"),
      }),
    },
    {
      weight: 10,
      arbitrary: fc.record({
        move: fc.constantFrom("opened", "settled", "failed", "step", "stop", "withdraw"),
        pick: fc.nat(8),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ move: fc.constant("cancel" as const), scope: fc.constantFrom("all", "active") }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        move: fc.constant("late_cancel" as const),
        scope: fc.constantFrom("all", "active"),
        after: fc.integer({ min: 1, max: 4 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ move: fc.constantFrom("resume", "attend", "crash", "close", "reopen", "shut") }),
    },
  ) as fc.Arbitrary<Move>,
  { maxLength: 60 },
);

/** Everything that the effects ever said, and what must hold of it. */
class World {
  state: RunQueue = idleQueue;
  accepted: RunId[] = [];
  ended = new Map<RunId, string>();
  started: RunId[] = [];
  held = new Set<RunId>();
  /** Runs whose work goes on: opened or being opened, not settled. */
  working = new Set<RunId>();
  isClosed = false;
  late: { decision: CancelDecision; after: number }[] = [];

  apply(event: RunQueueEvent): readonly RunEffect[] {
    const before = this.state;
    const { state, effects } = stepRuns(before, event);
    this.state = state;
    for (const effect of effects) this.see(effect);
    this.check();
    return effects;
  }

  see(effect: RunEffect) {
    if (effect.do === "record") {
      expect(this.ended.has(effect.run_id), "nothing is recorded of a run that has ended").toBe(false);
      if (effect.state === "active") this.started.push(effect.run_id);
      if (effect.state === "held") this.held.add(effect.run_id);
      else this.held.delete(effect.run_id);
    }
    if (effect.do === "complete") {
      expect(this.ended.has(effect.run_id), "G8: exactly one end").toBe(false);
      this.ended.set(effect.run_id, effect.end.outcome);
    }
    if (effect.do === "open") {
      expect(this.working.size, "the next run waits until the one before has settled").toBe(0);
      expect(this.ended.has(effect.run_id), "an ended run never starts").toBe(false);
      expect(this.held.has(effect.run_id), "a held prompt never starts by itself").toBe(false);
      this.working.add(effect.run_id);
    }
    if (effect.do === "run_turn") expect(this.started.filter((id) => id === effect.run_id)).toHaveLength(1);
  }

  check() {
    const { current, waiting } = this.state;
    const unfinished = this.accepted.filter((id) => !this.ended.has(id));
    const known = [
      ...(current && current.phase !== "unwinding" ? [current.run_id] : []),
      ...waiting.map((run) => run.run_id),
    ];
    expect([...known].sort(), "every accepted run is known until its end, and no other").toEqual(
      [...unfinished].sort(),
    );
    const order = waiting.map((run) => this.accepted.indexOf(run.run_id));
    expect(order, "what waits stands in the order it was accepted").toEqual([...order].sort((a, b) => a - b));
    expect(
      waiting.filter((run) => run.phase === "accepted").length,
      "one run at most is next",
    ).toBeLessThanOrEqual(1);
    if (this.state.gate === "open" && current === null) {
      expect(
        waiting.every((run) => run.phase === "held"),
        "G13: nothing runnable is left lying",
      ).toBe(true);
    }
    for (const run of waiting) expect(queuePosition(this.state, run.run_id)).toBeGreaterThanOrEqual(0);
  }

  pick(index: number, from: readonly RunId[]): RunId | undefined {
    return from.length === 0 ? undefined : from[index % from.length];
  }

  play(move: Move) {
    for (const cancel of this.late) cancel.after -= 1;
    for (const { decision } of this.late.filter(({ after }) => after === 0)) this.cancelLate(decision);
    this.late = this.late.filter(({ after }) => after > 0);
    switch (move.move) {
      case "prompt": {
        if (this.state.gate === "closed") return;
        const id: RunId = `run_${String(this.accepted.length).padStart(32, "0")}`;
        if (this.state.gate === "paused") this.apply({ type: "attended", expired: [] });
        this.accepted.push(id);
        this.apply({ type: "prompted", run_id: id, delivery: move.delivery });
        return;
      }
      case "opened":
        return this.on(move.pick, (run_id) => this.apply({ type: "opened", run_id }));
      case "settled":
      case "failed":
        return this.on(move.pick, (run_id) => {
          const isWork = this.working.delete(run_id);
          const end =
            move.move === "failed" ? ({ outcome: "error" } as const) : ({ outcome: "end_turn" } as const);
          const wasEnded = this.ended.get(run_id);
          this.apply({ type: "settled", run_id, end });
          // Late words: what is said of a run that was not working changes nothing.
          if (!isWork) expect(this.ended.get(run_id)).toBe(wasEnded);
        });
      case "step":
        return this.on(move.pick, (run_id) =>
          this.apply({ type: "step_began", run_id, same_agent: this.accepted }),
        );
      case "stop":
        return this.on(move.pick, (run_id) =>
          this.apply({ type: "stopped", run_id, end: { outcome: "error" } }),
        );
      case "withdraw":
        return this.on(move.pick, (run_id) => this.apply({ type: "withdrawn", run_id }));
      case "cancel":
        return this.cancel(move.scope);
      case "late_cancel":
        this.late.push({ decision: decideCancel(this.state, move.scope), after: move.after });
        return;
      case "resume":
        return void this.apply({ type: "resumed" });
      case "attend":
        return void this.apply({ type: "attended", expired: [] });
      case "close":
        this.apply({ type: "closed" });
        expect(
          this.accepted.every((id) => this.ended.has(id)),
          "closing ends everything",
        ).toBe(true);
        return;
      case "reopen":
        return void this.apply({ type: "reopened" });
      case "shut": {
        const waiting = this.state.waiting.map((run) => run.run_id);
        this.apply({ type: "shut" });
        expect(
          this.state.waiting.map((run) => run.run_id),
          "a stop keeps the queue",
        ).toEqual(waiting);
        return;
      }
      case "crash":
        return this.crash();
    }
  }

  on(pick: number, act: (id: RunId) => void) {
    // Mostly the run that is going on, or else any run there ever was: late and wrong words must do no harm.
    const target = pick < 5 ? this.state.current?.run_id : this.pick(pick, this.accepted);
    if (target !== undefined) act(target);
  }

  cancel(scope: "all" | "active") {
    const before = this.accepted.filter((id) => !this.ended.has(id));
    const wasWorking = this.working.size;
    const decision = decideCancel(this.state, scope);
    const effects = this.apply({ type: "canceled", ...decision });
    const held = effects.flatMap((effect) => (effect.do === "record" ? [effect.run_id] : []));
    const canceled = effects.filter((effect) => effect.do === "complete").map((effect) => effect.run_id);
    for (const id of canceled) expect(this.ended.get(id), "a canceled run ends canceled").toBe("canceled");
    expect({ ends: canceled, holds: held }, "what it decides is what it does").toEqual(decision);
    if (scope === "all")
      expect([...canceled].sort(), "G5: every run accepted before it").toEqual([...before].sort());
    if (before.length === 0) expect(effects, "G6: an idle cancel does nothing").toEqual([]);
    if (scope === "active" && wasWorking > 0) {
      const left = before.filter((id) => !canceled.includes(id));
      expect(
        left.every((id) => this.held.has(id)),
        "what was queued behind it is held",
      ).toBe(true);
    }
  }

  /** Whatever happened since it was decided: it ends and holds none but those it named. */
  cancelLate(decision: CancelDecision) {
    for (const effect of this.apply({ type: "canceled", ...decision })) {
      if (effect.do === "complete") expect(decision.ends).toContain(effect.run_id);
      if (effect.do === "record") expect(decision.holds).toContain(effect.run_id);
    }
    for (const id of decision.ends) expect(this.ended.has(id), "what it named has its end").toBe(true);
  }

  crash() {
    this.late = [];
    this.working.clear();
    const { current, waiting } = this.state;
    // The store saw it active: the next daemon ends it.
    const interrupted = current?.phase === "active" ? [current.run_id] : [];
    const opening =
      current?.phase === "opening"
        ? [{ run_id: current.run_id, delivery: "queue" as const, phase: "accepted" as const }]
        : [];
    const left = [...opening, ...waiting];
    // The store keeps them in the order they were accepted, also one that was opening ahead of a held one.
    const order = (run: { run_id: RunId }) => this.accepted.indexOf(run.run_id);
    this.state = recoveredQueue(left.sort((a, b) => order(a) - order(b)));
    this.apply({ type: "recovered", interrupted });
    expect(
      stepRuns(this.state, { type: "resumed" }).effects.every((effect) => effect.do !== "open"),
      "nothing runs unattended",
    ).toBe(true);
  }

  /** Whatever happened: if everything that works settles and somebody is there, everything ends. */
  drain() {
    this.apply({ type: "attended", expired: [] });
    this.apply({ type: "reopened" });
    this.apply({ type: "resumed" });
    for (let turn = 0; turn < 200 && this.state.current !== null; turn += 1) {
      const { run_id, phase } = this.state.current;
      if (phase === "opening") this.apply({ type: "opened", run_id });
      this.working.delete(run_id);
      this.apply({ type: "settled", run_id, end: { outcome: "end_turn" } });
    }
    expect(
      this.accepted.filter((id) => !this.ended.has(id)),
      "G8, G16: every accepted run ends",
    ).toEqual([]);
    const order = this.started.map((id) => this.accepted.indexOf(id));
    expect(new Set(order).size, "no run starts twice").toBe(order.length);
  }
}

describe("the run lifecycle", () => {
  it("keeps every guarantee in any order of prompts, cancels, steps, crashes and late words", () => {
    fc.assert(
      fc.property(moves, (script) => {
        const world = new World();
        for (const move of script) world.play(move);
        world.drain();
      }),
      { numRuns: 3000 },
    );
  });

  it("holds what waited too long for somebody to come back, and runs the rest", () => {
    const old: RunId = "run_old";
    const fresh: RunId = "run_fresh";
    const paused = recoveredQueue([
      { run_id: old, phase: "queued", delivery: "queue" },
      { run_id: fresh, phase: "queued", delivery: "queue" },
    ]);
    const { effects } = stepRuns(paused, { type: "attended", expired: [old] });
    expect(effects).toEqual([
      { do: "record", run_id: old, state: "held" },
      { do: "open", run_id: fresh },
    ]);
  });

  it("lets a prompt sent while a canceled turn unwinds run by itself", () => {
    const first: RunId = "run_1";
    const second: RunId = "run_2";
    let { state } = stepRuns(idleQueue, { type: "prompted", run_id: first, delivery: "queue" });
    state = stepRuns(state, { type: "opened", run_id: first }).state;
    state = stepRuns(state, { type: "canceled", ...decideCancel(state, "active") }).state;
    const accepted = stepRuns(state, { type: "prompted", run_id: second, delivery: "queue" });
    expect(accepted.effects).toEqual([{ do: "record", run_id: second, state: "accepted" }]);
    const settled = stepRuns(accepted.state, {
      type: "settled",
      run_id: first,
      end: { outcome: "canceled" },
    });
    expect(settled.effects).toEqual([{ do: "open", run_id: second }]);
  });
});
