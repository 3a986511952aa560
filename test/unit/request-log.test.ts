import { expect, test } from "vitest";
import { scaled } from "../../src/agent/native/requests/recorder.ts";
import { createRedaction } from "../../src/agent/native/requests/redaction.ts";
import type { RequestMeta } from "../../src/protocol/request.ts";
import { cacheAlarm } from "../../src/server/requests/cache-alarm.ts";
import { newId } from "./native-host.ts";

const parts = { system: 1, tools: 1, instructions: 1, summary: 0, messages: 1, tool_results: 0, files: 0 };
const step = (input: number, read: number, more: Partial<RequestMeta> = {}): RequestMeta => ({
  ...{
    run_id: newId("run"),
    n: 1,
    kind: "step",
    model: "m",
    at: "",
    outcome: "whole",
    error: null,
    status: 200,
  },
  ...{ duration_ms: 1, first_ms: 1, added_ms: 1, cost: 0, request_bytes: 1, response_bytes: 1, parts },
  usage: {
    ...{ input_tokens: input, output_tokens: 1, reasoning_tokens: 0 },
    ...{ cache_read_tokens: read, cache_write_tokens: 0 },
  },
  ...more,
});

test("after the third turn a request that finds little in the cache raises an alarm, and nothing else does", () => {
  const good = [step(3000, 0), step(4000, 3000), step(5000, 4000)];
  expect(cacheAlarm([...good, step(6000, 5000)])).toBeUndefined();
  expect(cacheAlarm([...good, step(6000, 600)])).toContain("Only 10 % of the last request");
  expect(cacheAlarm([...good.slice(1), step(6000, 0)])).toBeUndefined();
  expect(cacheAlarm([...good, step(6000, 0, { model: "other" })])).toBeUndefined();
  expect(cacheAlarm([...good, step(6000, 0, { parts: { ...parts, summary: 900 } })])).toBeUndefined();
  expect(cacheAlarm([step(3000, 0), step(4000, 0), step(5000, 0), step(6000, 0)])).toBeUndefined();
});

test("of a kept request only harmless headers are shown, and no secret stands anywhere in it", () => {
  const { url, headers, plain } = createRedaction(["sk-secret-1234"]);
  expect(
    headers({ Authorization: "Bearer sk-secret-1234", "X-Own": "a", "Content-Type": "application/json" }),
  ).toEqual({
    authorization: "[redacted]",
    "x-own": "[redacted]",
    "content-type": "application/json",
  });
  expect(url("https://host/v1?key=abc&alt=sse")).toBe("https://host/v1?key=%5Bredacted%5D&alt=sse");
  expect(plain('{"a":"sk-secret-1234"}')).toBe('{"a":"[redacted]"}');
});

test("the parts of a request add up to what the provider counted", () => {
  expect(scaled(parts, 400)).toMatchObject({ system: 100, tools: 100, messages: 100, summary: 0 });
  expect(scaled(parts, 0)).toEqual(parts);
});
