import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
test("changes the one value, and no line end", () => {
  assert.equal(readFileSync("settings.ini", "utf8"), "setting_a = 1\r\nsetting_b = 20\r\nsetting_c = 3\r\n");
});
