// The translator on what a real `opencode serve` said (test/recordings/record-opencode.ts).
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { BackendEvent } from "../../src/agent/backend.ts";
import { runError } from "../../src/agent/opencode/failure.ts";
import { permissionRequest } from "../../src/agent/opencode/permission.ts";
import { createTurnTranslator, type TurnAction } from "../../src/agent/opencode/translate.ts";
import {
  isListening,
  newTurn,
  stepTurn,
  type TurnEffect,
  type TurnEvent,
  type TurnState,
} from "../../src/agent/opencode/turn-state.ts";
import { parseEvent, type WireEvent } from "../../src/agent/opencode/wire.ts";

type Binding = { session_id: string; message_id: string };

function recorded(scene: string): { binding: Binding; events: WireEvent[] } {
  const file = join(import.meta.dirname, `../recordings/opencode-serve-1.18.33-${scene}.jsonl`);
  const [binding, ...events] = readFileSync(file, "utf8").trim().split("\n");
  return {
    binding: JSON.parse(binding ?? "") as Binding,
    events: events.flatMap((line) => parseEvent(JSON.parse(line)) ?? []),
  };
}
type Effect = Exclude<TurnAction, { do: "step" }> | TurnEffect;

/** A turn whose life and words are those of its translator. */
function translator(binding: Binding) {
  const words = createTurnTranslator({
    agent: "opencode",
    root: "/project",
    ...binding,
    isMine: ({ parentID }) => parentID === binding.message_id,
  });
  let life: TurnState = newTurn;
  function dispatch(event: TurnEvent): readonly TurnEffect[] {
    const { state, effects } = stepTurn(life, event);
    life = state;
    return effects;
  }
  const hear = (all: readonly TurnAction[]): Effect[] =>
    all.flatMap((said): readonly Effect[] => {
      if (!isListening(life)) return [];
      return said.do === "step" ? dispatch(said.event) : [said];
    });
  return {
    dispatch,
    accept: (event: WireEvent) => hear(words.accept(event)),
    merge: (events: readonly WireEvent[]) => hear(words.merge(events)),
    markGap: words.markGap,
    call: words.call,
  };
}

function play(scene: string) {
  const { binding, events } = recorded(scene);
  const turn = translator(binding);
  const effects = events.flatMap((event) => turn.accept(event));
  return { turn, effects, said: said(effects) };
}
const said = (effects: readonly Effect[]): BackendEvent[] =>
  effects.flatMap((effect) => (effect.do === "emit" ? [effect.event] : []));
const text = (events: readonly BackendEvent[]) =>
  events.map((event) => (event.type === "text_delta" ? event.text : "")).join("");
const ends = (effects: readonly Effect[]) =>
  effects.flatMap((effect) => (effect.do === "settle" ? [effect.result] : []));
const steps = (events: readonly BackendEvent[]) =>
  events.flatMap((event) => (event.type === "step_finished" ? [event.finish_reason] : []));

test("text, thinking, usage and the end of a plain turn", () => {
  const { effects, said: events } = play("text");
  expect(events[0]).toEqual({ type: "step_started", model: "fake/fake-model" });
  expect(text(events)).toBe("Hello there.");
  expect(events.some((event) => event.type === "reasoning_delta")).toBe(true);
  expect(events.filter((event) => event.type === "step_finished")).toEqual([
    {
      type: "step_finished",
      finish_reason: "end_turn",
      usage: {
        ...{ input_tokens: 1000, output_tokens: 20, reasoning_tokens: 0 },
        ...{ cache_read_tokens: 400, cache_write_tokens: 0 },
      },
      cost: 0,
    },
  ]);
  expect(ends(effects)).toEqual([{ outcome: "end_turn" }]);
});

test("a write is asked about with its diff, and shown with it when it is done", () => {
  const { effects, said: events, turn } = play("write");
  const asked = effects.flatMap((effect) => (effect.do === "ask" ? [effect.permission] : []));
  expect(asked).toHaveLength(1);
  const [permission] = asked;
  if (permission === undefined) return;
  expect(permissionRequest(permission, turn.call(permission.tool?.callID), "/project")).toMatchObject({
    tool: "edit",
    kind: "edit",
    subject: {
      type: "path",
      access: "write",
      path: "/project/new.txt",
      unified: "@@ -0,0 +1,2 @@\n+one\n+two",
    },
  });
  expect(steps(events)).toEqual(["tool_use", "end_turn"]);
  const done = events.findLast((event) => event.type === "tool_call_updated");
  expect(done).toMatchObject({
    status: "completed",
    view: { kind: "diff", path: "new.txt", additions: 2, deletions: 0 },
  });
});

test("a command's output is streamed once and its exit code is kept", () => {
  const { said: events } = play("shell");
  const streamed = events.map((event) => (event.type === "tool_output" ? event.text : "")).join("");
  const done = events.findLast((event) => event.type === "tool_call_updated");
  expect(done).toMatchObject({
    status: "completed",
    output: expect.stringContaining("out\nerr"),
    view: { kind: "command", command: "echo out; echo err >&2; exit 3", exit_code: 3 },
  });
  expect(streamed.split("out").length).toBeLessThanOrEqual(2);
});

test("a denial with a message continues the turn, one without ends it after a step that asked for tools", () => {
  const denied = play("deny");
  expect(text(denied.said)).toBe("Then not.");
  expect(ends(denied.effects)).toEqual([{ outcome: "end_turn" }]);

  const rejected = play("reject");
  expect(ends(rejected.effects)).toEqual([]);
  expect(rejected.effects.some((effect) => effect.do === "poll")).toBe(true);
  const idle = rejected.turn.dispatch({ type: "polled", isBusy: false });
  expect(ends(idle)).toEqual([{ outcome: "end_turn" }]);
});

test("a plan is told as it stands", () => {
  expect(play("plan").said).toContainEqual({
    type: "plan",
    entries: [
      { content: "Look", status: "in_progress" },
      { content: "Change", status: "pending" },
    ],
  });
});

test("a refused key is one error that names the agent", () => {
  const { turn, effects } = play("error");
  // The end is ahead of its words, perhaps: what is stored decides.
  expect(ends(effects)).toEqual([]);
  expect(effects.some((effect) => effect.do === "poll")).toBe(true);
  expect(ends(turn.merge(recorded("error").events))).toEqual([
    {
      outcome: "error",
      error: {
        code: "provider_auth",
        message: expect.stringContaining("The provider of opencode refused its key"),
        retryable: false,
      },
    },
  ]);
});

test("an unknown error with its own name in the message is classified by that name", () => {
  const named = (name: string, message: string) => runError("opencode", { name, data: { message } });
  expect(named("UnknownError", "ProviderModelNotFoundError: Model not found: a/b.")).toEqual({
    code: "model_unavailable",
    message: "opencode does not know that model: Model not found: a/b.",
    retryable: false,
  });
  expect(named("UnknownError", "Something: else")).toMatchObject({
    code: "provider_error",
    message: "opencode failed: Something: else",
  });
});

describe("after an abort", () => {
  const { binding, events } = recorded("abort-race");
  const ofTurn = events.findIndex(
    (event) => event.type === "message.updated" && event.properties.info.id === binding.message_id,
  );

  // The recorded event that begins the answer says already that it is complete: opencode wrote it that late.
  test("the next turn says and settles its own alone", () => {
    const { effects, said: told } = play("abort-race");
    expect(text(told)).toBe("The second one.");
    expect(steps(told)).toEqual(["end_turn"]);
    expect(ends(effects)).toEqual([{ outcome: "end_turn" }]);
  });

  test("the old turn's ends settle nothing, wherever in the next turn they come", () => {
    const late = events.slice(0, ofTurn);
    const own = events.slice(ofTurn);
    fc.assert(
      fc.property(
        fc.array(fc.nat(own.length), { minLength: late.length, maxLength: late.length }),
        (places) => {
          const at = places.toSorted((a, b) => a - b);
          const mixed = own.flatMap((event, index) => [
            ...late.filter((_, which) => at[which] === index),
            event,
          ]);
          const turn = translator(binding);
          const effects = mixed.flatMap((event) => turn.accept(event));
          expect(ends(effects)).toEqual([{ outcome: "end_turn" }]);
          expect(text(said(effects))).toBe("The second one.");
        },
      ),
      { numRuns: 200 },
    );
  });

  test("idle before the turn was seen to be busy is not polled", () => {
    const turn = translator(binding);
    const idle: WireEvent = { type: "session.idle", properties: { sessionID: binding.session_id } };
    expect(turn.accept(idle)).toEqual([]);
    for (const event of events.slice(ofTurn)) {
      if (event.type === "session.status") break;
      expect(turn.accept(idle)).toEqual([]);
      turn.accept(event);
    }
  });
});

test("events missed by a lost stream are read from the stored messages, nothing twice", () => {
  const { binding, events } = recorded("text");
  fc.assert(
    fc.property(fc.nat(events.length), fc.nat(events.length), (lost, found) => {
      const from = Math.min(lost, found);
      const to = Math.max(lost, found);
      const turn = translator(binding);
      const before = events.slice(0, from).flatMap((event) => turn.accept(event));
      turn.markGap();
      // What is stored is all that was said up to the moment of the question, deltas left out.
      const stored = events
        .slice(0, to)
        .filter(({ type }) => type === "message.updated" || type === "message.part.updated");
      const merged = turn.merge(stored);
      const after = events.slice(to).flatMap((event) => turn.accept(event));
      const effects = [...before, ...merged, ...after];
      expect(text(said(effects))).toBe("Hello there.");
      expect(ends(effects)).toEqual([{ outcome: "end_turn" }]);
      expect(steps(said(effects))).toEqual(["end_turn"]);
    }),
    { numRuns: 300 },
  );
});
