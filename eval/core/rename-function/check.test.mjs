import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { greet } from "./src/greet.js";
import { report } from "./src/report.js";
import * as user from "./src/user.js";
test("works under the new name only", () => {
  assert.equal(greet(1), "Hello, user 1");
  assert.equal(report([1, 2]), "user 1, user 2");
  assert.deepEqual(Object.keys(user), ["fetchUser"]);
});
test("is named in comments and README", () => {
  assert.match(readFileSync("src/report.js", "utf8"), /\/\/ fetchUser is called/);
  assert.match(readFileSync("README.md", "utf8"), /`fetchUser\(id\)`/);
  for (const file of ["src/user.js", "src/greet.js", "src/report.js"])
    assert.doesNotMatch(readFileSync(file, "utf8"), /fetchUsr/);
});
