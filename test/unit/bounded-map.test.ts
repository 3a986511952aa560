import { expect, test } from "vitest";
import { createBoundedMap } from "../../src/agent/bounded-map.ts";

test("what was set longest ago is forgotten, and setting it again makes it young", () => {
  const map = createBoundedMap<string, number>(2);
  map.set("a", 1);
  map.set("b", 2);
  map.set("a", 3);
  map.set("c", 4);
  expect(["a", "b", "c"].map((key) => map.get(key))).toEqual([3, undefined, 4]);
  expect([map.has("b"), map.delete("a"), map.delete("a")]).toEqual([false, true, false]);
});
