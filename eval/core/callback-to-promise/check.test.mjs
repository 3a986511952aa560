import assert from "node:assert/strict";
import { test } from "node:test";
import { writeFileSync } from "node:fs";
import { load } from "./src/load.js";
writeFileSync("good.json", "[1]");
writeFileSync("bad.json", "[1");
const called = (path) => new Promise((resolve) => load(path, (...args) => resolve(args)));
test("promises", async () => {
  assert.deepEqual(await load("good.json"), [1]);
  await assert.rejects(load("bad.json"), SyntaxError);
  await assert.rejects(load("none.json"), { code: "ENOENT" });
});
test("calls back", async () => {
  assert.deepEqual(await called("good.json"), [null, [1]]);
  assert.ok((await called("bad.json"))[0] instanceof SyntaxError);
  assert.equal((await called("none.json"))[0].code, "ENOENT");
  assert.equal(load("good.json", () => {}), undefined);
});
