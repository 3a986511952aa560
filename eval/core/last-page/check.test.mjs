import assert from "node:assert/strict";
import { test } from "node:test";
import { page, pageCount } from "./src/pages.js";
test("counts a page that is not full", () => {
  assert.equal(pageCount(11, 5), 3);
  assert.equal(pageCount(10, 5), 2);
  assert.equal(pageCount(0, 5), 0);
});
test("shows it", () => assert.deepEqual(page([1, 2, 3], 2, 2), [3]));
