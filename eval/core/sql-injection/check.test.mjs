import assert from "node:assert/strict";
import { test } from "node:test";
import { find } from "./src/query.js";
test("keeps values apart", () => {
  assert.deepEqual(find({ name: "x' OR '1'='1", age: 3 }, "id"), {
    sql: "SELECT * FROM users WHERE name = ? AND age = ? ORDER BY id",
    values: ["x' OR '1'='1", 3],
  });
  assert.deepEqual(find({}), { sql: "SELECT * FROM users", values: [] });
});
test("refuses unknown columns", () => {
  assert.throws(() => find({ "1=1; --": 1 }));
  assert.throws(() => find({}, "id; DROP TABLE users"));
});
