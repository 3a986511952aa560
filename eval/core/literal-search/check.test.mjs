import assert from "node:assert/strict";
import { test } from "node:test";
import { highlight } from "./src/highlight.js";
test("takes words literally", () => {
  assert.equal(highlight("1+1", "1+1=2"), "**1+1**=2");
  assert.equal(highlight("(a", "x (a) (A"), "x **(a**) **(A**");
  assert.equal(highlight("$&", "cost: $&"), "cost: **$&**");
  assert.equal(highlight("", "abc"), "abc");
});
