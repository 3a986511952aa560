import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { InputEvent } from "../../src/tui/input/decode.ts";
import { createInputTap } from "../../src/tui/input/tap.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A keyboard whose reads and the time between them are given. */
function keyboard() {
  const events: InputEvent[] = [];
  let read: (chunk: Uint8Array) => void = () => {};
  const input = {
    on(event: string, listener: (chunk: Uint8Array) => void) {
      if (event === "data") read = listener;
    },
    off() {},
    resume() {},
    pause() {},
  };
  createInputTap({ input, typed: [], onEvents: (added) => events.push(...added), onEnd: () => {} });
  return {
    events,
    /** Reads with pauses of so many milliseconds between them. */
    sends(...what: (string | number)[]) {
      for (const one of what) {
        if (typeof one === "number") vi.advanceTimersByTime(one);
        else read(Buffer.from(one));
      }
      vi.advanceTimersByTime(60_000);
      return events;
    },
  };
}
const textOf = (events: readonly InputEvent[]) =>
  events.map((event) => ("text" in event ? event.text : "")).join("");
const keysOf = (events: readonly InputEvent[]) =>
  events.flatMap((event) => (event.type === "key" ? [event.chord] : []));

test("a paste that pauses in the middle sends nothing", () => {
  const events = keyboard().sends("\x1b[200~one\rtwo\r", 1500, "three\r", 1500, "four\x1b[201~");
  expect(keysOf(events)).toEqual([]);
  expect(textOf(events)).toBe("one\rtwo\rthree\rfour");
});

test("many lines at once are a paste, in however many reads they come; what is typed behind it is not", () => {
  const lines = Array.from({ length: 20 }, (_, line) => `line ${line}\r`);
  for (const reads of [[lines.join("")], lines]) {
    const events = keyboard().sends(...reads, 1000, "\r");
    expect(events).toEqual([
      { type: "paste", text: lines.join("") },
      { type: "key", chord: "enter" },
    ]);
  }
});

test("prompts that were typed ahead are prompts", () => {
  expect(keyboard().sends("first\rsecond\r")).toEqual([
    { type: "text", text: "first" },
    { type: "key", chord: "enter" },
    { type: "text", text: "second" },
    { type: "key", chord: "enter" },
  ]);
});

test.each([
  "\x1b[<0;12;34M",
  "\x1b[<64;12;34m",
  "\x1b[1;5A",
  "\x1b[?2026;2$y",
  "\x1b[I",
  "\x1b]11;rgb:0000/0000/0000\x07",
])("%j leaves nothing in the composer, wherever it is cut by 150 ms", (report) => {
  for (let at = 2; at < report.length; at += 1) {
    expect(textOf(keyboard().sends(report.slice(0, at), 150, report.slice(at)))).toBe("");
  }
});

test("a mouse or focus report that is cut behind its Escape leaves nothing in the composer either", () => {
  for (const report of ["\x1b[<0;12;34M", "\x1b[1;5A", "\x1b[I"]) {
    expect(textOf(keyboard().sends("\x1b", 150, report.slice(1)))).toBe("");
  }
  expect(textOf(keyboard().sends("\x1b", 150, "[1] is a note"))).toBe("[1] is a note");
});
