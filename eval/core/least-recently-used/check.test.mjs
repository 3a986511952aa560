import assert from "node:assert/strict";
import { test } from "node:test";
import { Cache } from "./src/cache.js";
test("keeps what was read or written last", () => {
  const cache = new Cache(2);
  cache.set("a", 1);
  cache.set("b", 2);
  assert.equal(cache.get("a"), 1);
  cache.set("c", 3);
  assert.equal(cache.get("b"), undefined);
  assert.equal(cache.get("a"), 1);
  cache.set("c", 4);
  cache.set("d", 5);
  assert.equal(cache.get("a"), undefined);
  assert.equal(cache.get("c"), 4);
});
test("does not make an entry by looking for it", () => {
  const cache = new Cache(1);
  cache.set("a", 1);
  cache.get("b");
  assert.equal(cache.get("a"), 1);
});
