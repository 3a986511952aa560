import { expect, test } from "vitest";
import type { Message, ToolCallPart } from "../../src/protocol/message.ts";
import { createMessageJson } from "../../src/server/store/message-json.ts";
import { newId } from "./native-host.ts";

const call = (input: unknown): ToolCallPart => ({
  ...{ id: newId("prt"), type: "tool_call", tool_call_id: "c", name: "write", kind: "edit", title: "a.txt" },
  ...{ input, status: "pending", output: "" },
});
const message = (...parts: Message["parts"]): Message => ({
  ...{ id: newId("msg"), session_id: newId("ses"), run_id: newId("run"), seq: 1, role: "assistant" },
  ...{ agent: "hearth", model: null, parts, finish_reason: null, created_at: "", updated_at: "" },
  completed_at: null,
});
/** Counts how often it is written as JSON. */
function counting(content: string) {
  let count = 0;
  const toJSON = () => {
    count += 1;
    return { path: "a.txt", content };
  };
  return { input: { toJSON }, count: () => count };
}

test("what a call was asked with is encoded once, however often its message is written and told", () => {
  const json = createMessageJson();
  const large = counting("x".repeat(100_000));
  const pending = call(large.input);
  const asked = { path: "a.txt", content: "x".repeat(100_000) };
  for (const status of ["pending", "running", "completed"] as const) {
    const part = { ...pending, status, output: status };
    expect(JSON.parse(json.data(part))).toEqual({ ...part, input: asked, output: undefined });
    expect(JSON.parse(json.message(message(part))).parts).toEqual([{ ...part, input: asked }]);
  }
  expect(large.count()).toBe(1);
});

test("it is kept no longer than its message is open", () => {
  const json = createMessageJson();
  const large = counting("x".repeat(100_000));
  const settled = { ...message(call(large.input)), completed_at: "2026-01-01T00:00:00.000Z" };
  json.message(settled);
  json.message(settled);
  expect(large.count()).toBe(2);
});

test("messages are the JSON of what they are", () => {
  const json = createMessageJson();
  const all = message(
    { id: newId("prt"), type: "text", text: 'a "text"' },
    { id: newId("prt"), type: "notice", level: "info", code: "x", text: "y" },
    ...[{ path: "a" }, null, "text", 1, [1, { a: 2 }], undefined].map(call),
  );
  expect(JSON.parse(json.message(all))).toEqual(JSON.parse(JSON.stringify(all)));
  for (const part of all.parts) {
    const { output: _, ...rest } = { output: "", ...part };
    const data = part.type === "tool_call" ? rest : { ...rest, text: undefined };
    expect(JSON.parse(json.data(part))).toEqual(JSON.parse(JSON.stringify(data)));
  }
});
