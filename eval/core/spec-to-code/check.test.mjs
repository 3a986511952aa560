import assert from "node:assert/strict";
import { test } from "node:test";
import { debounce } from "./src/debounce.js";
const passed = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
test("calls once with the last arguments", async () => {
  const calls = [];
  const later = debounce((...args) => calls.push(args), 30);
  later(1);
  later(2, 3);
  assert.deepEqual(calls, []);
  await passed(90);
  assert.deepEqual(calls, [[2, 3]]);
});
test("can be canceled and flushed", async () => {
  let count = 0;
  const later = debounce((by) => (count += by), 20);
  later(1);
  later.cancel();
  await passed(60);
  assert.equal(count, 0);
  assert.equal(later.flush(), undefined);
  later(5);
  assert.equal(later.flush(), 5);
  await passed(60);
  assert.equal(count, 5);
  const failing = debounce(() => { throw new Error("no"); }, 20);
  failing();
  assert.throws(() => failing.flush(), /no/);
});
