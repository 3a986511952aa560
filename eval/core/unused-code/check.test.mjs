import assert from "node:assert/strict";
import { test } from "node:test";
import * as text from "./src/text.js";
import { loud } from "./src/main.js";
test("has what is used, and nothing else", () => {
  assert.deepEqual(Object.keys(text).sort(), ["reverse", "shout", "upper"]);
  assert.deepEqual(loud(["ab"]), ["!BA"]);
});
