import fc from "fast-check";
import { expect, test } from "vitest";
import { countReport, emptyLedger } from "../../src/agent/acp/session/usage.ts";
import {
  beginTurn,
  denyCall,
  endTurn,
  type Mapped,
  mapUpdate,
  type TurnState,
  trackCall,
} from "../../src/agent/acp/turn/update-mapper.ts";
import type { BackendEvent } from "../../src/agent/backend.ts";
import { noUsage, type Usage } from "../../src/protocol/usage.ts";
import { fold } from "../support/acp-recording.ts";

/** Anything that JSON can say, and the words of the protocol more often. */
const word = fc.constantFrom(
  "pending",
  "in_progress",
  "completed",
  "failed",
  "diff",
  "content",
  "terminal",
  "text",
  "edit",
  "execute",
  "other",
  "",
);
const anything = fc.oneof(fc.jsonValue({ maxDepth: 2 }), word);
const content = fc.oneof(fc.record({ type: fc.constant("text"), text: fc.string() }), anything);
const call = fc.record(
  {
    sessionUpdate: fc.constantFrom("tool_call", "tool_call_update"),
    toolCallId: fc.constantFrom("a", "b", "c"),
    title: fc.oneof(fc.string(), anything),
    kind: fc.oneof(fc.constantFrom("edit", "execute", "read", "other", "think"), anything),
    status: fc.oneof(fc.constantFrom("pending", "in_progress", "completed", "failed"), anything),
    rawInput: fc.oneof(
      fc.record({ command: fc.string() }),
      fc.record({ path: fc.string(), content: fc.string() }),
      anything,
    ),
    rawOutput: anything,
    content: fc.oneof(
      fc.array(
        fc.oneof(
          fc.record({
            type: fc.constant("diff"),
            path: fc.string(),
            oldText: anything,
            newText: fc.string(),
          }),
          content,
        ),
      ),
      anything,
    ),
    locations: anything,
    _meta: anything,
  },
  { requiredKeys: ["sessionUpdate"] },
);
const update = fc.oneof(
  { weight: 4, arbitrary: call },
  {
    weight: 3,
    arbitrary: fc.record({
      sessionUpdate: fc.constantFrom("agent_message_chunk", "agent_thought_chunk", "user_message_chunk"),
      content,
      _meta: anything,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      sessionUpdate: fc.constant("plan"),
      entries: fc.oneof(fc.array(fc.record({ content: anything, status: anything })), anything),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      sessionUpdate: fc.oneof(fc.constantFrom("notice", "compaction_update"), anything),
      title: anything,
      status: anything,
      severity: anything,
    }),
  },
);
const move = fc.oneof(
  { weight: 8, arbitrary: fc.record({ say: update }) },
  { weight: 1, arbitrary: fc.record({ deny: fc.constantFrom("a", "b", "c") }) },
);

test("whatever an agent says, in any order, its events tell one turn: steps that open and close, calls that are announced once", () => {
  fc.assert(
    fc.property(fc.array(move, { maxLength: 40 }), (moves) => {
      let state: TurnState = beginTurn("/project", "m");
      const events: BackendEvent[] = [];
      const apply = (mapped: Mapped) => {
        state = mapped.state;
        events.push(...mapped.events);
      };
      for (const next of moves) {
        if ("say" in next) apply(mapUpdate(state, next.say as Record<string, unknown>, 0));
        else if (state.calls.has(next.deny)) apply(denyCall(state, next.deny));
        else apply(trackCall(state, next.deny, {}, 0));
      }
      apply(endTurn(state, "end_turn", noUsage, 0));
      const told = fold(events);
      expect(state.isStepOpen).toBe(false);
      expect(JSON.stringify(events).length).toBeGreaterThan(0);
      for (const id of state.denied) expect(told.calls.find((one) => one.id === id)?.status).toBe("denied");
    }),
    { numRuns: 500 },
  );
});

const tokens = (input: number, output: number): Usage => ({
  ...noUsage,
  input_tokens: input,
  output_tokens: output,
});

test("figures of the turn are counted as they are, whatever they are", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(1e6), fc.nat(1e4))), (turns) => {
      let ledger = emptyLedger("turn");
      for (const [input, output] of turns) {
        const counted = countReport(ledger, tokens(input, output));
        ledger = counted.ledger;
        expect(counted.used).toEqual(tokens(input, output));
      }
    }),
  );
});

test("a running total is counted once in all, whoever tells it", () => {
  const growth = fc.tuple(fc.nat(500), fc.integer({ min: 1, max: 1e4 }));
  fc.assert(
    fc.property(
      fc.constantFrom("total" as const, "unknown" as const),
      fc.array(growth, { minLength: 1 }),
      (form, turns) => {
        let ledger = emptyLedger(form);
        let total = tokens(0, 0);
        let context = 1000;
        let sum = 0;
        for (const [more, output] of turns) {
          // Each turn sends the whole context again, and the context only grows.
          context += more;
          total = tokens(total.input_tokens + context, total.output_tokens + output);
          const counted = countReport(ledger, total);
          ledger = counted.ledger;
          sum += counted.used.input_tokens;
        }
        expect(sum).toBe(total.input_tokens);
      },
    ),
  );
});

test("an unknown agent's figures count per turn as soon as they cannot be a total", () => {
  let ledger = emptyLedger("unknown");
  const used = [
    [1000, 20],
    [1200, 10],
    [1300, 40],
    [90, 1],
  ].map(([input = 0, output = 0]) => {
    const counted = countReport(ledger, tokens(input, output));
    ledger = counted.ledger;
    return counted.used.input_tokens;
  });
  expect(used).toEqual([1000, 1200, 1300, 90]);
});
