import { expect, test } from "vitest";
import { createOwnIds } from "../../src/agent/native/context/own-ids.ts";

test("an id that is taken gets the first number that is free", () => {
  const ids = createOwnIds((id, n) => `${id}_${n}`);
  ids.take("b_2");
  ids.take("b_2");
  expect(["a", "a", "b", "b", "a_2", "a", "b"].map(ids.give)).toEqual([
    "a",
    "a_2",
    "b",
    "b_3",
    "a_2_2",
    "a_3",
    "b_4",
  ]);
});

test("a server that names all its calls alike has each number tried once", () => {
  let tried = 0;
  const ids = createOwnIds((id, n) => {
    tried += 1;
    return `${id}_${n}`;
  });
  const given = Array.from({ length: 10_000 }, () => ids.give("call_0"));
  expect(new Set(given).size).toBe(10_000);
  expect(tried).toBe(9999);
});
