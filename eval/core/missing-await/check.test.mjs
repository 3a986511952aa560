import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { save } from "./src/store.js";
test("is there once saved", async () => {
  await save("out/a.json", { a: 1 });
  assert.equal(readFileSync("out/a.json", "utf8"), '{"a":1}');
});
test("says when it failed", async () => {
  await assert.rejects(save("out/a.json/b.json", 1));
});
