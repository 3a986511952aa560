import assert from "node:assert/strict";
import { test } from "node:test";
import { parseRow } from "./src/csv.js";
test("reads rows", () => {
  assert.deepEqual(parseRow("a,b,c"), ["a", "b", "c"]);
  assert.deepEqual(parseRow('a,"b, c",d'), ["a", "b, c", "d"]);
  assert.deepEqual(parseRow('"say ""hi""",x'), ['say "hi"', "x"]);
  assert.deepEqual(parseRow(',"",'), ["", "", ""]);
});
