import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
test("every file is of version 2", () => {
  for (let n = 1; n <= 12; n++) {
    const text = readFileSync(`services/s${n}.json`, "utf8");
    assert.deepEqual(JSON.parse(text), { version: 2, name: `s${n}`, listen: { port: 8000 + n } });
    assert.match(text, /^ {2}"name"/m);
  }
});
