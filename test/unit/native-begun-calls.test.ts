import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { BackendEvent } from "../../src/agent/backend.ts";
import { createBegunCalls } from "../../src/agent/native/begun-calls.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

const call = (id: string): BackendEvent => ({
  ...{ type: "tool_call", tool_call_id: id, name: "read", kind: "read", title: "", input: {} },
  status: "pending",
});

function open() {
  const told: (readonly BackendEvent[])[] = [];
  return { told, begun: createBegunCalls((...events) => void told.push(events)) };
}

test("a call whose arguments are there at once is told by its step alone", () => {
  const { told, begun } = open();
  begun.begin("a", call("a"));
  begun.forget(["a"]);
  begun.show();
  expect(told).toEqual([]);
});

test("calls whose arguments take longer are shown meanwhile, together and in order", () => {
  const { told, begun } = open();
  begun.begin("a", call("a"));
  begun.begin("b", call("b"));
  vi.advanceTimersByTime(1000);
  expect(told).toEqual([[call("a"), call("b")]]);
  begun.begin("c", call("c"));
  begun.forget(["a", "b"]);
  vi.advanceTimersByTime(1000);
  expect(told.slice(1)).toEqual([[call("c")]]);
});

test("one that is never whole is shown when its answer ends, and nothing after the end", () => {
  const { told, begun } = open();
  begun.begin("a", call("a"));
  begun.begin("b", call("b"));
  begun.forget(["b"]);
  begun.show();
  expect(told).toEqual([[call("a")]]);
  begun.begin("c", call("c"));
  begun.end();
  vi.advanceTimersByTime(1000);
  expect(told).toHaveLength(1);
});
