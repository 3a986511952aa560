import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { measure } from "../../eval/measure.ts";
import { reportText } from "../../eval/report.ts";
import { check, layOut, tasksOf } from "../../eval/task.ts";

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "hearth-eval-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

describe("the check of each task", () => {
  test.each(tasksOf("core").map((task) => [task.name, task] as const))(
    "%s fails before the work and passes with the solution",
    (name, task) => {
      const place = join(home, name);
      layOut(task, place);
      expect(check(task, place).isSolved).toBe(false);
      layOut(task, place);
      cpSync(join(task.folder, "solution"), place, { recursive: true });
      expect(check(task, place)).toMatchObject({ isSolved: true });
    },
  );
});

test("a run is measured by its events, each message as it was last told", () => {
  const call = (id: string, kind: string, status: string, title = "a.js") => ({
    ...{ id, type: "tool_call", kind, status, title },
  });
  const message = (id: string, parts: object[]) => ({
    type: "message.updated",
    payload: { message: { id, role: "assistant", parts } },
  });
  const lines = [
    message("msg_1", [call("1", "read", "running")]),
    message("msg_1", [call("1", "read", "completed"), call("2", "edit", "failed")]),
    message("msg_2", [call("3", "edit", "completed"), call("4", "edit", "completed", "b.js")]),
    {
      type: "run.completed",
      payload: {
        ...{ outcome: "end_turn", steps: 3, cost: 0.5 },
        usage: { input_tokens: 100, output_tokens: 7, cache_read_tokens: 60 },
      },
    },
  ];
  const measured = measure(`${lines.map((line) => JSON.stringify(line)).join("\n")}\n{"type":"run.`);
  expect(measured).toEqual({
    ...{ outcome: "end_turn", error: undefined, steps: 3, toolCalls: 4, failedCalls: 1, edits: 3 },
    ...{ firstTryEdits: 1, inputTokens: 100, cachedTokens: 60, outputTokens: 7, cost: 0.5 },
  });
  const report = reportText([{ ...measured, task: "one", isSolved: true, seconds: 2 }]);
  expect(report).toContain("solved 1 of 1 (100 %)");
  expect(report).toContain("edits right at the first try: 33 % of 3");
});
