// What an editor is told of changed files is true: by it, git and a plain text search make the new state of the old one.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { callFields, questionContent } from "../../src/acp/tool-call.ts";
import { v1Call, v1Content } from "../../src/acp/v1-update.ts";
import { v2Call } from "../../src/acp/v2-update.ts";
import { shownCall, type TrackedCall } from "../../src/agent/acp/turn/tool-call.ts";
import { withoutHeaders } from "../../src/agent/opencode/tool-call.ts";
import { diffTexts, shortDiff } from "../../src/agent/tools/files/unified-diff.ts";
import type { RunHow, ToolResult } from "../../src/agent/tools/tool.ts";
import type { ToolCallPart, ToolView } from "../../src/protocol/message.ts";
import { createToolBench } from "../support/tool-bench.ts";

let bench: ReturnType<typeof createToolBench>;
beforeAll(() => {
  bench = createToolBench();
});
afterAll(() => bench.close());

type V1 = { type: string; path: string; oldText: string | null; newText: string; content?: { text: string } };
type V2 = {
  type: string;
  changes: { operation: string; path: string; oldPath?: string }[];
  patch?: { text: string };
};

const callWith = (view: ToolView | undefined, kind: ToolCallPart["kind"] = "edit"): ToolCallPart =>
  ({
    ...{ id: "part_1", type: "tool_call", tool_call_id: "call_1", name: "apply_patch", kind, title: "" },
    ...{ input: {}, status: "completed", output: "Done.", ...(view !== undefined && { view }) },
  }) as unknown as ToolCallPart;

const fields = (view: ToolView | undefined) => callFields(callWith(view), bench.root);
const v1Of = (view: ToolView | undefined) => (v1Call(fields(view)).content ?? []) as unknown as V1[];
const v2Of = (view: ToolView | undefined) => (v2Call("x", fields(view)).content ?? []) as unknown as V2[];

const patchOf = (...lines: string[]) => ["*** Begin Patch", ...lines, "*** End Patch"].join("\n");
const allowing: RunHow = { authorize: async () => ({}) };

/** Runs a patch over these files; what the workspace was before is in `was`. */
async function patched(files: Record<string, string>, ...lines: string[]) {
  rmSync(bench.root, { recursive: true });
  mkdirSync(bench.root);
  for (const [path, text] of Object.entries(files)) {
    bench.put(path, text);
    await bench.call("read", { path });
  }
  const was = join(bench.home, "was");
  rmSync(was, { recursive: true, force: true });
  cpSync(bench.root, was, { recursive: true });
  const call = await bench.prepared("apply_patch", { input: patchOf(...lines) });
  const result: ToolResult = await call.run(allowing);
  expect(result.isError).toBeUndefined();
  return { was, view: result.view };
}

function filesIn(folder: string): Record<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  return Object.fromEntries(files.map((file) => [file.slice(folder.length), readFileSync(file, "utf8")]));
}

const everyKind = [
  "*** Update File: a.txt",
  "@@",
  "-one",
  "+ONE",
  "@@",
  "-twelve",
  "+TWELVE",
  "*** Delete File: gone.txt",
  "*** Delete File: empty.txt",
  "*** Add File: made.txt",
  "+new",
  "*** Update File: src/old.txt",
  "*** Move to: src/moved.txt",
  "@@",
  "-x",
  "+y",
  "*** Update File: b.txt",
  "@@",
  "-end",
  "+END",
];
const numbers = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\nten\neleven\ntwelve\n";
const before = {
  ...{ "a.txt": numbers, "gone.txt": "bye\n\nnow\n", "empty.txt": "", "src/old.txt": "x\nz\n" },
  "b.txt": "start\nend",
};

test("a patch that deletes, makes, moves and changes files is told to version 2 as git applies it", async () => {
  const { was, view } = await patched(before, ...everyKind);
  const content = v2Of(view);
  expect(content.flatMap(({ changes }) => changes)).toEqual(
    [
      { operation: "modify", path: "a.txt" },
      { operation: "delete", path: "gone.txt" },
      { operation: "delete", path: "empty.txt" },
      { operation: "add", path: "made.txt" },
      { operation: "move", path: "src/moved.txt", oldPath: "src/old.txt" },
      { operation: "modify", path: "b.txt" },
    ].map(({ oldPath, ...change }) => ({
      ...{ ...change, path: join(bench.root, change.path) },
      ...(oldPath !== undefined && { oldPath: join(bench.root, oldPath) }),
    })),
  );
  rmSync(join(was, "empty.txt")); // its diff has no lines, only the change
  const patch = content.map(({ patch: each }) => each?.text ?? "").join("");
  const file = join(bench.home, "patch");
  writeFileSync(file, patch.replaceAll(`${bench.root.slice(1)}/`, ""));
  execFileSync("git", ["apply", "--whitespace=nowarn", file], { cwd: was, env: bench.context.env });
  expect(filesIn(was)).toEqual(filesIn(bench.root));
});

test("the same patch is told to version 1 as texts, and in words where it has no others", async () => {
  const { was, view } = await patched(before, ...everyKind);
  const content = v1Of(view);
  const said = content.flatMap(({ content: block }) => (block === undefined ? [] : [block.text]));
  const at = (path: string) => join(bench.root, path);
  expect(said).toEqual([
    `Deleted file: ${at("gone.txt")}`,
    `Deleted file: ${at("empty.txt")}`,
    `Moved file: ${at("src/old.txt")} to ${at("src/moved.txt")}`,
  ]);
  const gone = content.find(({ path }) => path === at("gone.txt"));
  expect(gone).toMatchObject({ oldText: "bye\n\nnow\n", newText: "", _meta: { kind: "delete" } });
  for (const { type, path, oldText, newText } of content) {
    if (type !== "diff") continue;
    const inOld = path.replace(bench.root, was).replace("moved.txt", "old.txt");
    if (path === at("gone.txt")) continue;
    if (oldText === null) {
      expect(existsSync(inOld)).toBe(false);
      mkdirSync(dirname(inOld), { recursive: true });
      writeFileSync(inOld, newText);
      continue;
    }
    const text = readFileSync(inOld, "utf8");
    expect(text).toContain(oldText);
    writeFileSync(
      inOld,
      text.replace(oldText, () => newText),
    );
  }
  for (const path of ["a.txt", "b.txt", "made.txt"])
    expect(readFileSync(join(was, path), "utf8")).toBe(readFileSync(at(path), "utf8"));
  expect(readFileSync(join(was, "src/old.txt"), "utf8")).toBe("y\nz\n");
});

test("a call that only deletes or only moves is of that kind, and its question says so", async () => {
  const { view } = await patched({ "a.txt": "one\n" }, "*** Delete File: a.txt");
  expect(fields(view).kind).toBe("delete");
  expect(fields({ ...view, files: undefined } as unknown as ToolView).kind).toBe("edit");
  const emptied = await patched({ "a.txt": "one\n" }, "*** Update File: a.txt", "@@", "-one");
  expect(fields(emptied.view).kind).toBe("edit");
  expect(v1Of(emptied.view)).toEqual([
    { type: "diff", path: join(bench.root, "a.txt"), oldText: "one\n", newText: "" },
  ]);
  const path = "a.txt";
  const detail = { type: "edit" as const, path, unified: "@@ -1 +0,0 @@\n-one", reasons: [] };
  const asked = questionContent({ ...detail, file: { path, kind: "deleted" as const } }, bench.root);
  expect(asked.flatMap(v1Content).at(-1)).toMatchObject({
    content: { text: expect.stringMatching(/^Deleted/) },
  });
});

test("a file that was empty is no new one", async () => {
  rmSync(join(bench.root, "empty.txt"), { force: true });
  bench.put("empty.txt", "");
  await bench.call("read", { path: "empty.txt" });
  const { view } = await bench.call("write", { path: "empty.txt", content: "text\n" });
  expect(v1Of(view)).toMatchObject([{ oldText: "", newText: "text\n" }]);
  expect(v2Of(view)[0]?.changes).toMatchObject([{ operation: "modify" }]);
});

test("wherever a diff was shortened, what is shown of it is true, and it says that it is not all", () => {
  const line = fc.constantFrom("a", "b", "c", "", "- x", "+ y", "\\ z", "@@ -1 +1 @@");
  const text = fc.array(line, { maxLength: 30 }).map((lines) => lines.map((each) => `${each}\n`).join(""));
  fc.assert(
    fc.property(text, text, fc.integer({ min: 20, max: 200 }), (old, made, charsMax) => {
      const whole = diffTexts(old, made);
      const short = shortDiff(whole, charsMax);
      const content = v1Of({
        kind: "diff",
        path: "a.txt",
        files: [{ path: "a.txt", kind: "modified" }],
        ...short,
      });
      const diffs = content.filter(({ type }) => type === "diff");
      for (const { oldText, newText } of diffs) {
        expect(`\n${old}`).toContain(`\n${oldText ?? ""}`);
        expect(`\n${made}`).toContain(`\n${newText}`);
      }
      const isShort = short.unified !== whole.unified;
      expect(content.some(({ content: block }) => block?.text.startsWith("The diff is too long"))).toBe(
        isShort,
      );
      // The pieces in turn make of the old text one that begins as the new one does.
      if (!isShort || diffs.length === 0) return;
      const last = diffs.at(-1) as V1;
      const ends = (each: string | null) => (each ?? "").split("\n").at(-2);
      expect(ends(last.newText)).toBe(ends(last.oldText));
    }),
  );
});

test("a new file that is too long to be shown is not shown as its beginning", async () => {
  const long = Array.from({ length: 3000 }, (_, at) => `line ${at} ${"x".repeat(40)}\n`).join("");
  rmSync(join(bench.root, "long.txt"), { force: true });
  const { view } = await bench.call("write", { path: "long.txt", content: long });
  const path = join(bench.root, "long.txt");
  expect(v1Of(view).map(({ type, content }) => [type, content?.text])).toEqual([
    ["content", `New file: ${path}`],
    ["content", expect.stringContaining("too long")],
  ]);
  expect(v2Of(view)[0]).toEqual({ type: "diff", changes: [{ operation: "add", path }] });
  expect(fields(view).locations).toEqual([{ path }]);
});

test("a patch of several files that was shortened names all of them", async () => {
  const long = Array.from({ length: 3000 }, (_, at) => `+line ${at} ${"x".repeat(40)}`);
  const lines = ["*** Add File: 1.txt", ...long, "*** Add File: 2.txt", ...long, "*** Delete File: a.txt"];
  const { view } = await patched({ "a.txt": "one\n" }, ...lines);
  const changes = v2Of(view).flatMap(({ changes: each = [] }) => each);
  expect(changes.map(({ operation }) => operation)).toEqual(["add", "add", "delete"]);
  expect(v2Of(view).every(({ patch }) => patch === undefined)).toBe(true);
});

test("an outside agent's deleted file is one if it says so, and a trimmed diff is no shortened one", () => {
  const call = (kind: TrackedCall["kind"]): TrackedCall => ({
    ...{
      id: "1",
      name: undefined,
      kind,
      title: "x",
      status: "completed",
      rawInput: {},
      rawOutput: undefined,
    },
    content: [{ type: "diff", path: join(bench.root, "a.txt"), oldText: "one\n", newText: "" }],
    ...{ locations: [], since: 0, exitCode: undefined },
  });
  const operation = (kind: TrackedCall["kind"]) =>
    v2Of(shownCall(call(kind), bench.root, 0).view)[0]?.changes[0]?.operation;
  expect([operation("delete"), operation("edit")]).toEqual(["delete", "modify"]);
  const diff = "--- a\n+++ b\n@@ -1,3 +1,3 @@\n-a\n+b\n c\n \n";
  expect(withoutHeaders(diff)).toBe("@@ -1,3 +1,3 @@\n-a\n+b\n c\n ");
  const view = { kind: "diff", path: "a.txt", unified: withoutHeaders(diff).trimEnd() } as const;
  expect(v1Of({ ...view, additions: 1, deletions: 1 })).toMatchObject([
    { oldText: "a\nc\n", newText: "b\nc\n" },
  ]);
});

test("an outside agent's call with several diffs shows all of them, and names what is too long", () => {
  const diff = (name: string, oldText: string | null, newText: string) => ({
    ...{ type: "diff", path: join(bench.root, name), oldText, newText },
  });
  const viewOf = (...content: object[]) =>
    shownCall(
      {
        ...{ id: "1", name: undefined, kind: "edit", title: "x", status: "completed", rawInput: {} },
        ...{ rawOutput: undefined, content, locations: [], since: 0, exitCode: undefined },
      } as unknown as TrackedCall,
      bench.root,
      0,
    ).view;
  const view = viewOf(
    diff("a.txt", "one\n", "ONE\n"),
    diff("b.txt", null, "new\n"),
    diff("a.txt", "two\nx\n", "x\n"),
  );
  expect(view).toMatchObject({ path: "a.txt", more_paths: ["b.txt"], additions: 2, deletions: 2 });
  expect(v1Of(view).map(({ path, oldText, newText }) => [path, oldText, newText])).toEqual([
    [join(bench.root, "a.txt"), "one\n", "ONE\n"],
    [join(bench.root, "a.txt"), "two\nx\n", "x\n"],
    [join(bench.root, "b.txt"), null, "new\n"],
  ]);
  const long = "x\n".repeat(600_000);
  const shown = v1Of(viewOf(diff("a.txt", "one\n", "ONE\n"), diff("b.txt", null, long)));
  expect(shown.map(({ type, content }) => content?.text ?? type)).toEqual([
    "diff",
    `New file: ${join(bench.root, "b.txt")}`,
    expect.stringContaining("too long"),
  ]);
});
