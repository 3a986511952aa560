import assert from "node:assert/strict";
import { test } from "node:test";
import { spawnSync } from "node:child_process";
test("prints what it should", () => {
  const { stdout, status } = spawnSync(process.execPath, ["src/main.js"], { encoding: "utf8" });
  assert.equal(status, 0);
  assert.equal(stdout, "square has 4 sides\n");
});
test("still has the modules", async () => {
  assert.equal((await import("./src/square.js")).square.sides, 4);
  assert.equal((await import("./src/shapes.js")).describe(), "square has 4 sides");
});
