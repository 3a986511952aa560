import { afterAll, beforeAll, expect, test } from "vitest";
import { checkCall } from "../../src/agent/native/repair.ts";
import { callTitle, createToolSet } from "../../src/agent/native/tool-set.ts";
import { createToolBench, type ToolBench } from "../support/tool-bench.ts";

let bench: ToolBench;
beforeAll(() => {
  bench = createToolBench();
});
afterAll(() => bench.close());

/** What the tool is given of what a model wrote, defaults left out where they are the usual ones. */
function meant(name: string, given: object): unknown {
  const checked = checkCall(
    { name, arguments: JSON.stringify(given) },
    createToolSet([...bench.tools.values()]),
    true,
    false,
  );
  return checked.ok ? checked.input : checked.text;
}

test("a command is run whatever action was filled with, unless that names a job", () => {
  expect(meant("bash", { command: "ls", action: "output" })).toEqual({ command: "ls" });
  expect(meant("bash", { command: "ls", action: "run", job: "" })).toEqual({ command: "ls" });
  expect(meant("bash", { command: "", action: "kill", job: "job1" })).toMatchObject({
    action: "kill",
    job: "job1",
  });
});

test("numbers out of bounds are brought within them", () => {
  expect(meant("bash", { command: "x", timeout_s: 900 })).toEqual({ command: "x", timeout_s: 600 });
  expect(meant("bash", { command: "x", timeout_s: 0 })).toEqual({ command: "x", timeout_s: 1 });
  expect(meant("bash", { command: "x", timeout_s: 1.6 })).toEqual({ command: "x", timeout_s: 2 });
  expect(meant("read", { path: "a", offset: 0, limit: 5000 })).toEqual({ path: "a", offset: 1, limit: 2000 });
  expect(meant("read", { path: "a", offset: "-5", limit: "10" })).toEqual({
    path: "a",
    offset: 1,
    limit: 10,
  });
  expect(meant("list", { depth: 99 })).toMatchObject({ depth: 10 });
  expect(meant("grep", { pattern: "a", context: 50 })).toMatchObject({ context: 10 });
});

test("the names that other agents' tools have for arguments are understood", () => {
  expect(meant("bash", { cmd: "ls", timeout: 30, run_in_background: true })).toEqual({
    command: "ls",
    timeout_s: 30,
    background: true,
  });
  expect(meant("bash", { cmd: "ls", timeout: 120000 })).toEqual({ command: "ls", timeout_s: 120 });
  expect(meant("bash", { command: ["bash", "-lc", "ls -l"], workdir: "src" })).toEqual({
    command: "ls -l",
    cwd: "src",
  });
  expect(meant("read", { file_path: "a.ts" })).toMatchObject({ path: "a.ts" });
  expect(meant("write", { filePath: "a.ts", contents: "x" })).toEqual({ path: "a.ts", content: "x" });
  expect(meant("edit", { file_path: "a", old_str: "x", new_str: "y" })).toEqual({
    path: "a",
    edits: [{ old_string: "x", new_string: "y" }],
  });
  expect(meant("edit", { path: "a", edits: [{ oldText: "x", newText: "y", replaceAll: true }] })).toEqual({
    path: "a",
    edits: [{ old_string: "x", new_string: "y", replace_all: true }],
  });
  expect(meant("grep", { query: "a", include: "*.ts" })).toMatchObject({ pattern: "a", glob: "*.ts" });
});

test("what the model gave by our own name wins over another name of it", () => {
  expect(meant("read", { path: "mine", file_path: "other" })).toMatchObject({ path: "mine" });
});

test("a title is short, however long the command is, and whole characters", () => {
  const tool = bench.tools.get("bash");
  expect(callTitle(tool, "bash", { command: "ls" })).toBe("ls");
  const title = callTitle(tool, "bash", { command: `x${"🙂".repeat(50_000)}` });
  expect(title.length).toBeLessThanOrEqual(2001);
  expect(title).toBe(title.toWellFormed());
  expect(title.endsWith("🙂…")).toBe(true);
});
