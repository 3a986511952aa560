import fc from "fast-check";
import { expect, test } from "vitest";
import { applyDelta, applyEvent, type Replica, replicaOf } from "../../src/client/replica.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { SessionId } from "../../src/protocol/ids.ts";
import type { Part } from "../../src/protocol/message.ts";
import type { Snapshot } from "../../src/protocol/snapshot.ts";
import { createSmallDaemon } from "./small-daemon.ts";

const names = Object.keys(createSmallDaemon().happenings);
// Streaming and prompts are what a day is made of.
const name = fc.oneof(
  { arbitrary: fc.constantFrom(...names), weight: 2 },
  { arbitrary: fc.constantFrom("open", "accept", "start", "stream", "stream", "call", "ask"), weight: 3 },
);
const happening = fc.tuple(name, fc.nat({ max: 1000 }), fc.string({ minLength: 1, maxLength: 5 }));
/** Always with a session and an answer to stream into. */
const history = fc
  .array(happening, { maxLength: 60 })
  .map((rest): History => [["open", 0, ""], ["accept", 0, "hi"], ["start", 0, ""], ...rest]);
const shown = fc.constantFrom<(SessionId | null)[]>("ses_0", "ses_0", "ses_2", null);

type History = [string, number, string][];
/** Plays a history and notes, before each happening and after the last, what a client would be told then. */
function play(history: History, sessionId: SessionId | null) {
  const daemon = createSmallDaemon();
  const moments = [{ heard: 0, snapshot: daemon.snapshot(sessionId) }];
  for (const [what, n, text] of history) {
    daemon.happenings[what]?.(n, text);
    moments.push({ heard: daemon.events.length, snapshot: daemon.snapshot(sessionId) });
  }
  return { events: daemon.events, moments, end: replicaOf(daemon.snapshot(sessionId), sessionId) };
}
const follow = (snapshot: Snapshot, sessionId: SessionId | null, events: readonly HearthEvent[]): Replica =>
  events.reduce(applyEvent, replicaOf(snapshot, sessionId));

test("a snapshot at any moment and the events after it are the present", () => {
  fc.assert(
    fc.property(history, shown, (history, sessionId) => {
      const { events, moments, end } = play(history, sessionId);
      for (const { heard, snapshot } of moments) {
        expect(follow(snapshot, sessionId, events.slice(heard))).toEqual(end);
      }
    }),
    { numRuns: 400 },
  );
});

test("events heard again change nothing", () => {
  fc.assert(
    fc.property(history, shown, fc.nat(), fc.nat(), (history, sessionId, a, b) => {
      const { events, moments, end } = play(history, sessionId);
      const from = a % (events.length + 1);
      const again = events.slice(from, from + (b % (events.length + 1)));
      const start = moments[0]?.snapshot ?? end;
      const heard = follow(start, sessionId, [...events, ...again]);
      expect(heard).toEqual(end);
      expect(again.reduce(applyEvent, heard)).toBe(heard);
    }),
    { numRuns: 200 },
  );
});

test("a client that stayed never thinks that it missed something, and one that missed text knows or has it", () => {
  fc.assert(
    fc.property(history, fc.nat(), (history, nth) => {
      const { events, moments, end } = play(history, "ses_0");
      const start = moments[0]?.snapshot ?? end;
      expect(follow(start, "ses_0", events).is_stale).toBe(false);
      const deltas = events.filter(({ type }) => type === "part.delta");
      const missed = deltas[nth % Math.max(1, deltas.length)];
      const heard = follow(
        start,
        "ses_0",
        events.filter((event) => event !== missed),
      );
      if (heard.is_stale) return;
      // Not known to be stale: then it was settled later, or was the last word of its part so far.
      const isLast = (part: Part, other: Part | undefined) =>
        part.type === "text" && other?.type === "text"
          ? part.text.startsWith(other.text)
          : part.type === "tool_call" && other?.type === "tool_call" && part.output.startsWith(other.output);
      for (const [index, message] of end.messages.entries()) {
        for (const [at, part] of message.parts.entries()) {
          expect(isLast(part, heard.messages[index]?.parts[at])).toBe(true);
        }
      }
    }),
    { numRuns: 200 },
  );
});

test("text that overlaps what is there adds only what is new, and a gap is told", () => {
  const lengths = fc.nat({ max: 12 });
  fc.assert(
    fc.property(fc.string({ maxLength: 12 }), lengths, lengths, lengths, (whole, held, from, length) => {
      const part: Part = { id: "prt_1", type: "text", text: whole.slice(0, held) };
      const offset = Math.min(from, whole.length);
      const text = whole.slice(offset, offset + length);
      const delta = { message_id: "msg_1", part_id: "prt_1", field: "text", offset, text } as const;
      const grown = applyDelta(part, delta);
      if (offset > part.text.length) expect(grown).toBeUndefined();
      else
        expect(grown).toEqual({
          ...part,
          text: whole.slice(0, Math.max(part.text.length, offset + text.length)),
        });
      expect(applyDelta(part, { ...delta, field: "output" })).toBeUndefined();
    }),
  );
});

test("text of a message nobody has heard of is a gap, unless the message is of a session not shown", () => {
  const { end } = play([["open", 0, ""]], "ses_0");
  const payload = { message_id: "msg_x", part_id: "prt_x", field: "text", offset: 0, text: "a" } as const;
  const delta: HearthEvent = { seq: end.seq + 1, type: "part.delta", time: "t", payload };
  expect(applyEvent(end, { ...delta, session_id: "ses_0" }).is_stale).toBe(true);
  expect(applyEvent(end, { ...delta, session_id: "ses_other" }).is_stale).toBe(false);
});

test("a resync asks for a snapshot, and a replica of one is fresh", () => {
  const { end } = play([["open", 0, ""]], "ses_0");
  const resync: HearthEvent = { seq: 3, type: "resync", time: "t", payload: { reason: "window" } };
  const stale = applyEvent(end, resync);
  expect(stale).toEqual({ ...end, is_stale: true });
  expect(applyEvent(stale, resync)).toBe(stale);
  expect(replicaOf(stale, "ses_0").is_stale).toBe(false);
});

test("an event that this client does not know only moves it on", () => {
  const { end } = play([["open", 0, ""]], "ses_0");
  const strange = {
    seq: end.seq + 1,
    type: "changes.updated",
    time: "t",
    payload: {},
  } as unknown as HearthEvent;
  expect(applyEvent(end, strange)).toEqual({ ...end, seq: end.seq + 1 });
});
