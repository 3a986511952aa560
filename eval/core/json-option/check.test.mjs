import assert from "node:assert/strict";
import { test } from "node:test";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
writeFileSync("sample.txt", "one two\nthree\n");
const run = (...args) => spawnSync(process.execPath, ["bin/count.js", ...args], { encoding: "utf8" });
test("prints JSON, wherever the option stands", () => {
  for (const args of [["--json", "sample.txt"], ["sample.txt", "--json"]])
    assert.deepEqual(JSON.parse(run(...args).stdout), { lines: 2, words: 3 });
});
test("prints text without it", () => assert.equal(run("sample.txt").stdout, "2 lines, 3 words\n"));
test("refuses others", () => assert.equal(run("--xml", "sample.txt").status, 2));
