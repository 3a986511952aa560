import { setImmediate as nextTurn } from "node:timers/promises";
import { expect, test } from "vitest";
import { createTimeSlice } from "../../src/async/time-slice.ts";
import { encodeReply } from "../../src/server/http/encode-reply.ts";

const encoded = async (body: unknown) => Buffer.concat(await encodeReply(body)).toString();

test.each([
  {},
  [],
  "text",
  null,
  { list: [], none: null, left: undefined, entry: { list: [1, undefined, "ä"] } },
  { first: undefined, list: [undefined, null, { a: undefined, b: [[]] }], last: "\ud800" },
])("a reply is the JSON that it would be in one piece (%j)", async (body) => {
  expect(await encoded(body)).toBe(JSON.stringify(body));
});

test("a long list is whole, in several pieces", async () => {
  const body = {
    list: Array.from({ length: 5000 }, (_, at) => ({ at, text: "words ".repeat(20) })),
    next: 1,
  };
  expect((await encodeReply(body)).length).toBeGreaterThan(5);
  expect(await encoded(body)).toBe(JSON.stringify(body));
});

test("long work lets others go first once its turn is over, and only then", async () => {
  let others = 0;
  const other = async () => {
    await nextTurn();
    others += 1;
  };
  const waiting = other();
  const long = createTimeSlice(60_000);
  await long.rest();
  expect(others).toBe(0);
  const short = createTimeSlice(0);
  expect(short.isOver()).toBe(true);
  await short.rest();
  await waiting;
  expect(others).toBe(1);
});
