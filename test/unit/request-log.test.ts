import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { scaled } from "../../src/agent/native/requests/recorder.ts";
import { createRedaction } from "../../src/agent/native/requests/redaction.ts";
import type { RequestMeta } from "../../src/protocol/request.ts";
import { applyDifference, differenceOf } from "../../src/server/requests/body-difference.ts";
import { cacheAlarm } from "../../src/server/requests/cache-alarm.ts";
import { createRequestLog } from "../../src/server/requests/log.ts";
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

test("a body told by an earlier one is the same again, and no character is divided", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 60 });
  fc.assert(
    fc.property(text, text, text, text, (start, one, other, end) => {
      const before = Buffer.from(start + one + end);
      const body = Buffer.from(start + other + end);
      const difference = differenceOf(before, body);
      expect(Buffer.compare(applyDifference(before, difference), body)).toBe(0);
      expect(Buffer.from(Buffer.from(difference.middle).toString("utf8"))).toEqual(
        Buffer.from(difference.middle),
      );
    }),
  );
  const long = Buffer.from("é".repeat(100_000));
  const longer = Buffer.concat([long, Buffer.from("ü"), long]);
  expect(Buffer.from(differenceOf(Buffer.concat([long, long]), longer).middle).toString()).toBe("ü");
});

test("each request is kept word for word, whatever came between, and takes little room", async () => {
  const dir = mkdtempSync(join(tmpdir(), "requests-"));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const log = createRequestLog(dir, { warn: () => {} });
  const [sid, run] = [newId("ses"), newId("run")];
  const { run_id: _, n: __, ...meta } = step(3000, 2900);
  const words = Array.from({ length: 4000 }, (_, index) => `word ${index * 7919}`).join(" ");
  const bodies: string[] = [];
  const add = (body: string, kind: RequestMeta["kind"], secrets: readonly string[] = []) => {
    const n = bodies.push(body);
    const texts = { url: "http://host/v1", headers: {}, response_headers: {}, response: "" };
    const detail = () => ({ ...meta, ...texts, run_id: run, n, kind });
    log.add({ session_id: sid, run_id: run, n, body: Buffer.from(body), secrets, detail });
  };
  const messages: string[] = [words];
  for (let index = 0; index < 120; index += 1) {
    messages.push(`step ${index}`);
    add(JSON.stringify({ messages, tools: ["read"] }), "step", ["sk-secret"]);
    if (index === 30) add('{"title":true}', "title");
    if (index === 60) add(JSON.stringify({ messages: [...messages, "sk-secret"] }), "step", ["sk-secret"]);
    if (index === 90) messages.splice(1, 80, "a summary"); // compacted
  }
  for (const [at, body] of bodies.entries())
    expect(
      (await log.detail(sid, run, at + 1))?.body === body.replace("sk-secret", "[redacted]"),
      `${at}`,
    ).toBe(true);
  const sizes = readdirSync(join(dir, sid)).map((name) => statSync(join(dir, sid, name)).size);
  expect(sizes.filter((size) => size > 10_000).length).toBeLessThan(8);
});
