import { readFileSync } from "node:fs";
import { afterEach, beforeEach, expect, test } from "vitest";
import { applyEdits } from "../../src/agent/tools/files/apply-edits.ts";
import { createWorkerPool, type WorkerPool } from "../../src/agent/worker/pool.ts";
import { createToolBench, type ToolBench } from "../support/tool-bench.ts";

let bench: ToolBench;
let asked: string[];
beforeEach(() => {
  asked = [];
  const pool = createWorkerPool();
  const workers: WorkerPool = {
    run(task, ask, signal) {
      asked.push(task);
      return pool.run(task, ask, signal);
    },
  };
  bench = createToolBench({ workers });
});
afterEach(() => bench.close());

const lines = (count: number, lineOf: (at: number) => string) =>
  Array.from({ length: count }, (_, at) => `${lineOf(at)}\n`).join("");

test("a small edit is computed on the calling thread, a large one on a worker", async () => {
  bench.put("small", "old\n");
  bench.put(
    "large",
    lines(10_000, (at) => `  call(${at}); // old word`),
  );
  for (const path of ["small", "large"]) await bench.call("read", { path });
  await bench.call("edit", { path: "small", edits: [{ old_string: "old", new_string: "new" }] });
  expect(asked).toEqual([]);
  const edits = [{ old_string: "old word", new_string: "new word", replace_all: true }];
  const { text, view } = await bench.call("edit", { path: "large", edits });
  expect(asked).toEqual(["change"]);
  expect(text).toContain("It replaced 10000 occurrences.");
  expect(view).toMatchObject({ kind: "diff", additions: 10_000, deletions: 10_000 });
  expect(readFileSync(`${bench.root}/large`, "utf8")).toBe(
    lines(10_000, (at) => `  call(${at}); // new word`),
  );
});

test("a large edit fails with the same message as a small one", async () => {
  bench.put(
    "large",
    lines(10_000, (at) => `line ${at}`),
  );
  await bench.call("read", { path: "large" });
  const edits = Array.from({ length: 3 }, (_, at) => ({ old_string: `line ${at}9999`, new_string: "x" }));
  const result = await bench.call("edit", { path: "large", edits });
  expect(result).toMatchObject({ isError: true });
  expect(result.text).toContain("old_string of edit 1 (of 3) was not found in large. Nothing was changed.");
  expect(asked).toEqual(["change"]);
});

test("a run that ends while a large edit is worked out does not wait for it", async () => {
  bench.put(
    "large",
    lines(40_000, (at) => `line ${at}`),
  );
  await bench.call("read", { path: "large" });
  const stop = new AbortController();
  const edits = Array.from({ length: 100 }, (_, at) => ({
    old_string: `line  ${at * 300}`,
    new_string: `changed ${at}`,
  }));
  const call = bench.call("edit", { path: "large", edits }, { signal: stop.signal });
  setImmediate(() => stop.abort(new Error("stopped")));
  await expect(call).rejects.toThrow("stopped");
  expect(readFileSync(`${bench.root}/large`, "utf8")).toContain("line 300\n");
});

test("a worker that is asked for more than it has threads takes one after the other", async () => {
  const pool = createWorkerPool(1);
  const { signal } = new AbortController();
  const canceled = AbortSignal.abort(new Error("not wanted"));
  const done = await Promise.all([
    pool.run("diff", { before: "a\n", after: "b\n" }, signal),
    pool.run("diff", { before: "a\n", after: "c\n" }, signal),
    pool.run("diff", { before: "a\n", after: "d\n" }, canceled).catch(String),
  ]);
  expect(done).toEqual([
    { unified: "@@ -1 +1 @@\n-a\n+b", additions: 1, deletions: 1 },
    { unified: "@@ -1 +1 @@\n-a\n+c", additions: 1, deletions: 1 },
    "Error: not wanted",
  ]);
});

test("replace_all reaches every place also where trailing whitespace is overlooked", () => {
  const text = lines(3000, (at) => `  old();  \n  keep(${at});`);
  const edits = [{ old_string: "  old();\n", new_string: "  made();\n", replace_all: true }];
  const { text: made, reports } = applyEdits(text, edits, "f");
  expect(reports).toEqual([{ pass: "trailing whitespace", count: 3000 }]);
  expect(made).not.toContain("old");
});

test("edits see what the edits before them left, however they were found", () => {
  const text = lines(50, (at) => `  line ${at}`);
  const edits = [
    { old_string: "line 7  \nline 8", new_string: "seven\nextra\neight" },
    { old_string: "extra\neight\nline 9", new_string: "nine" },
    { old_string: "  seven\n", new_string: "" },
    { old_string: "line “10”", new_string: "x" },
  ];
  const first = applyEdits(text, edits.slice(0, 3), "f").text;
  expect(first).toBe(text.replace("  line 7\n  line 8\n  line 9\n", "  nine\n"));
  expect(() => applyEdits(text, edits, "f")).toThrow("old_string of edit 4 (of 4) was not found");
});
