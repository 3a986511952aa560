import assert from "node:assert/strict";
import { test } from "node:test";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
test("prints the sum", () => {
  assert.equal(spawnSync(process.execPath, ["src/total.js"], { encoding: "utf8" }).stdout, "60\n");
});
test("names the cause", () => assert.equal(readFileSync("CAUSE.txt", "utf8").trim(), "tidy the total"));
