import assert from "node:assert/strict";
import { test } from "node:test";
import * as values from "./src/values.js";
test("changes one of 3000 values", () => {
  for (let n = 1; n <= 3000; n++) assert.equal(values[`value${n}`], n === 2417 ? 0 : n);
});
