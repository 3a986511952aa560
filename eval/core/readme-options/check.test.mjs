import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
test("lists the options, and leaves the rest", () => {
  const text = readFileSync("README.md", "utf8");
  const listed = text.split("\n").filter((line) => line.startsWith("- "));
  assert.deepEqual(listed, ["- `--out FILE`: where to write", "- `--level N`: from 1 to 9", "- `--quiet`: print nothing"]);
  assert.match(text, /^# tool\n\nOptions:\n/);
  assert.match(text, /License: MIT/);
});
