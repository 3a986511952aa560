import { expect, test } from "vitest";
import type { RunId } from "../../src/protocol/ids.ts";
import { type ForkPoint, filesThen } from "../../src/server/fork/files-then.ts";
import type { Checkpoint } from "../../src/server/undo/turns.ts";

const run = (n: number): RunId => `run_${String(n).padStart(32, "0")}`;
const row = (n: number, fields: Partial<Checkpoint> = {}): Checkpoint => ({
  ...{ run_id: run(n), workspace_id: `ws_${"0".repeat(32)}`, session_id: `ses_${"0".repeat(32)}` },
  ...{ began: n, ended: n, before_tree: `before ${n}`, after_tree: `after ${n}`, trouble: null },
  ...{ left_out: [], files: 1, additions: 1, deletions: 0, undone: 0, seq: n * 10 },
  ...fields,
});
const at = (n: number, at: ForkPoint["at"]): ForkPoint => ({ run_id: run(n), seq: n * 10, at });
const treeAt = (rows: readonly Checkpoint[], point: ForkPoint) => {
  const then = filesThen(rows, point);
  return then.kind === "present" ? "present" : `${then.kind}: ${then.tree}`;
};

test("a fork gets the files recorded at its point, the nearest ones where none were, or a reason", () => {
  const rows = [row(2), row(4)];
  expect(treeAt(rows, at(2, "before_turn"))).toBe("recorded: before 2");
  expect(treeAt(rows, at(2, "after_turn"))).toBe("recorded: after 2");
  expect(treeAt(rows, at(3, "before_turn"))).toBe("nearest: after 2");
  expect(treeAt(rows, at(3, "middle"))).toBe("nearest: after 2");
  expect(treeAt(rows, at(1, "after_turn"))).toBe("nearest: before 2");
  expect(treeAt(rows, at(9, "after_turn"))).toBe("nearest: after 4");
  expect(treeAt([], at(1, "after_turn"))).toBe("present");
  // What was taken back since was there then.
  expect(treeAt([row(2, { undone: 1 })], at(2, "after_turn"))).toBe("recorded: after 2");

  const gone = { before_tree: null, after_tree: null, trouble: "its checkpoint was deleted." };
  expect(() => filesThen(rows, at(4, "middle"))).toThrow(/middle/);
  expect(() => filesThen([row(2, gone), row(4)], at(2, "after_turn"))).toThrow(/its checkpoint was deleted/);
  expect(treeAt([row(2, gone), row(4)], at(3, "after_turn"))).toBe("nearest: before 4");
  expect(() => filesThen([row(2, gone)], at(3, "after_turn"))).toThrow(/its checkpoint was deleted/);
  // A crash left its end unrecorded.
  const cut = row(2, { after_tree: null });
  expect(treeAt([cut], at(2, "before_turn"))).toBe("recorded: before 2");
  expect(() => filesThen([cut], at(2, "after_turn"))).toThrow(/crash/);
});
