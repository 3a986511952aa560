import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRipgrep } from "../../src/agent/tools/search/ripgrep.ts";
import { createToolBench, type ToolBench } from "../support/tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = createToolBench();
});
afterEach(() => bench.close());

const call = async (name: string, input: object) => bench.call(name, input);
const linesOf = async (name: string, input: object) => (await call(name, input)).text.split("\n");

/** A project with sources, a build folder and a link out of it. */
function putProject(): void {
  bench.put("src/main.ts", "import { add } from './add';\nadd(1, 2);\n");
  bench.put("src/lib/add.ts", "export const add = (a, b) => a + b;\n");
  bench.put("src/lib/notes.md", "Add things.\n");
  bench.put(".github/ci.yml", "run: add\n");
  bench.put("node_modules/x/add.ts", "add\n");
  bench.put("build.log", "add\n");
  bench.put("src/lib/.gitignore", "!keep.log\n");
  bench.put("src/lib/keep.log", "add\n");
  bench.put(".gitignore", "node_modules/\n*.log\n");
  bench.put(".git/config", "add\n");
  mkdirSync(join(bench.home, "outside"));
  writeFileSync(join(bench.home, "outside/secret.ts"), "add\n");
  symlinkSync("../outside", join(bench.root, "out"));
}

test("list draws a tree, folders first, names what is ignored, and follows no link", async () => {
  putProject();
  expect(await linesOf("list", {})).toEqual([
    "./",
    ".github/",
    "  ci.yml",
    "src/",
    "  lib/",
    "  main.ts",
    ".gitignore",
    "out -> ../outside",
    "",
    "(Ignored and not shown: node_modules/, build.log.)",
  ]);
  expect(await linesOf("list", { path: "src", depth: 3 })).toEqual([
    "src/",
    "lib/",
    "  .gitignore",
    "  add.ts",
    "  keep.log",
    "  notes.md",
    "main.ts",
  ]);
  const all = await call("list", { include_ignored: true });
  expect(all.text).toContain("node_modules/\n  x/");
  expect(all.view).toMatchObject({ kind: "matches", truncated: false });
});

test("list stops at 1000 entries, level by level", async () => {
  for (let folder = 0; folder < 20; folder++)
    for (let file = 0; file < 60; file++) bench.put(`f${folder}/${file}.txt`, "");
  const result = await call("list", {});
  expect(result.view).toEqual({ kind: "matches", count: 1000, truncated: true });
  expect(result.text).toContain("f19/");
  expect(result.text).toMatch(/Stopped at 1000 entries/);
});

test("list says what is no folder, what is not there, and that a folder is empty", async () => {
  bench.put("a.txt", "");
  mkdirSync(join(bench.root, "empty"));
  expect((await call("list", { path: "a.txt" })).text).toMatch(/is a file/);
  expect((await call("list", { path: "none" })).isError).toBe(true);
  expect((await call("list", { path: "empty" })).text).toBe("empty/\n\n(The folder is empty.)");
});

test("names with line breaks and escapes cannot forge a listing", async () => {
  bench.put("a\nsecret.txt", "needle\n");
  bench.put("\x1b[2Jx", "needle\n");
  for (const [name, input] of [
    ["list", {}],
    ["glob", { pattern: "*" }],
    ["grep", { pattern: "needle" }],
  ] as const) {
    const { text } = await call(name, input);
    expect(text).toContain('"a\\nsecret.txt"');
    expect(text).toContain('"\\u001b[2Jx"');
    expect(text).not.toContain("\x1b");
  }
});

test("glob finds by name, newest first, without what is ignored or behind links", async () => {
  putProject();
  utimesSync(join(bench.root, "src/main.ts"), 1000, 1000);
  const namesOf = async (pattern: string, isIgnoredToo = false) =>
    (await linesOf("glob", { include_ignored: isIgnoredToo, pattern })).filter(
      (line) => line !== "" && !line.startsWith("(Folders behind"),
    );
  expect(await namesOf("**/*.ts")).toEqual(["src/lib/add.ts", "src/main.ts"]);
  expect(await namesOf("*.ts")).toEqual(["src/lib/add.ts", "src/main.ts"]);
  expect(await linesOf("glob", { pattern: "src/*.ts" })).toEqual(["src/main.ts"]);
  expect(await linesOf("glob", { pattern: "*.ts", path: "src/lib" })).toEqual(["src/lib/add.ts"]);
  expect(await linesOf("glob", { pattern: join(bench.root, "src/lib/*.{md,ts}") })).toHaveLength(2);
  expect(await namesOf("*.log")).toEqual(["src/lib/keep.log"]);
  expect((await namesOf("*.{log,ts}", true)).toSorted()).toEqual([
    "build.log",
    "node_modules/x/add.ts",
    "src/lib/add.ts",
    "src/lib/keep.log",
    "src/main.ts",
  ]);
  expect(await namesOf("**/ci.yml")).toEqual([".github/ci.yml"]);
  expect((await call("glob", { pattern: "*.rs" })).text).toMatch(
    /^No file matches \*\.rs in the workspace root/,
  );
});

test("a glob that names everything brings back nothing that is ignored", async () => {
  putProject();
  for (const pattern of ["**", "**/*", "*"])
    expect((await linesOf("glob", { pattern })).join()).not.toMatch(/node_modules|build\.log|\.git\/|secret/);
});

test("glob shows the 100 newest and says how many there are", async () => {
  for (let index = 0; index < 150; index++) {
    const path = bench.put(`f${index}.txt`, "");
    utimesSync(path, 1000 + index, 1000 + index);
  }
  const lines = await linesOf("glob", { pattern: "*.txt" });
  expect(lines.slice(0, 2)).toEqual(["f149.txt", "f148.txt"]);
  expect(lines).toHaveLength(102);
  expect(lines.at(-1)).toMatch(/150 files match; these are the newest 100/);
});

test("a glob that leaves the workspace asks for the folder that it searches", async () => {
  putProject();
  expect(await bench.subject("glob", { pattern: "../outside/*" })).toMatchObject({
    path: join(bench.home, "outside"),
  });
  expect(await bench.subject("glob", { pattern: "out/*" })).toMatchObject({
    path: join(bench.home, "outside"),
  });
});

test("grep answers with file, line number and line, sorted by path", async () => {
  putProject();
  const result = await call("grep", { pattern: "\\badd\\b" });
  expect(result.text).toBe(
    [
      ".github/ci.yml",
      "1:\trun: add",
      "",
      "src/lib/add.ts",
      "1:\texport const add = (a, b) => a + b;",
      "",
      "src/lib/keep.log",
      "1:\tadd",
      "",
      "src/main.ts",
      "1:\timport { add } from './add';",
      "2:\tadd(1, 2);",
    ].join("\n"),
  );
  expect(result.view).toEqual({ kind: "matches", count: 5, truncated: false });
});

test("grep can be narrowed by path, file and glob, and can ignore case, take plain text and show surroundings", async () => {
  putProject();
  expect(await linesOf("grep", { pattern: "add", glob: "*.{md,yml}", ignore_case: true })).toEqual([
    ".github/ci.yml",
    "1:\trun: add",
    "",
    "src/lib/notes.md",
    "1:\tAdd things.",
  ]);
  expect(await linesOf("grep", { pattern: "add", glob: "src/*.ts", files_only: true })).toEqual([
    "src/main.ts",
  ]);
  expect(await linesOf("grep", { pattern: "add(", literal: true, path: "src/main.ts", context: 1 })).toEqual([
    "src/main.ts",
    "1-\timport { add } from './add';",
    "2:\tadd(1, 2);",
  ]);
  expect(await linesOf("grep", { pattern: "add", include_ignored: true, files_only: true })).toContain(
    "node_modules/x/add.ts",
  );
  expect((await call("grep", { pattern: "add", glob: "**", files_only: true })).text).not.toContain(
    "node_modules",
  );
});

test("grep keeps matches of one file apart where its surroundings leave a gap", async () => {
  bench.put("a.txt", ["x", "b", "c", "d", "e", "x", "g"].join("\n"));
  expect(await linesOf("grep", { pattern: "x", context: 1 })).toEqual([
    "a.txt",
    "1:\tx",
    "2-\tb",
    "--",
    "5-\te",
    "6:\tx",
    "7-\tg",
  ]);
});

test("grep shows 100 matches, 500 characters a line, 20 KB, and says how many there are", async () => {
  bench.put("many.txt", "needle\n".repeat(300));
  const many = await call("grep", { pattern: "needle" });
  expect(many.text.split("\n").filter((line) => line.includes(":\tneedle"))).toHaveLength(100);
  expect(many.text).toMatch(/\(100 of 300 matches in 1 file shown/);
  expect(many.view).toEqual({ kind: "matches", count: 300, truncated: true });
  bench.put("many.txt", `needle ${"x".repeat(1_000_000)}\n`.repeat(3));
  const wide = await call("grep", { pattern: "needle" });
  expect(wide.text.length).toBeLessThan(2000);
  bench.put("many.txt", `needle ${"x".repeat(450)}\n`.repeat(90));
  expect(Buffer.byteLength((await call("grep", { pattern: "needle" })).text)).toBeLessThan(21 * 1024);
});

test("a pattern that is none says so, and one that begins like an option is only a pattern", async () => {
  bench.put("a.txt", "--pre=touch pwned\n-v\n");
  expect((await call("grep", { pattern: "(" })).text).toMatch(/unclosed group[\s\S]*Set literal/);
  expect((await call("grep", { pattern: "(?=x)" })).text).toMatch(/look-around[\s\S]*Set literal/);
  expect((await call("grep", { pattern: "--pre=touch pwned" })).text).toContain("1:\t--pre=touch pwned");
  expect((await call("grep", { pattern: "-v" })).text).toBe("a.txt\n2:\t-v");
  bench.put("--files", "x\n");
  expect((await call("grep", { pattern: "x", path: "--files" })).text).toBe("--files\n1:\tx");
});

test("a pattern made to explode is answered by a linear engine", async () => {
  bench.put("a.txt", `${"a".repeat(50_000)}b\n`);
  expect((await call("grep", { pattern: "(a+)+$" })).text).toMatch(/^No matches/);
});

test("neither the user's nor the repository's configuration changes a search", async () => {
  bench.put("a.txt", "needle\n");
  const config = bench.put("ripgreprc", "--pre=/bin/false\n--invert-match\n");
  const env = { ...bench.context.env, RIPGREP_CONFIG_PATH: config };
  const before = process.env["RIPGREP_CONFIG_PATH"];
  process.env["RIPGREP_CONFIG_PATH"] = config;
  try {
    const result = await bench.call("grep", { pattern: "needle", glob: "*.txt" }, { env });
    expect(result.text).toBe("a.txt\n1:\tneedle");
  } finally {
    if (before === undefined) delete process.env["RIPGREP_CONFIG_PATH"];
    else process.env["RIPGREP_CONFIG_PATH"] = before;
  }
});

test("pipes, devices, binary and huge files do not hold a search up", async () => {
  execFileSync("mkfifo", [join(bench.root, "pipe")]);
  symlinkSync("/dev/zero", join(bench.root, "zero"));
  bench.put("x.bin", Buffer.from("needle\0needle"));
  truncateSync(bench.put("sparse", ""), 20 * 1024 ** 3);
  bench.put("a.txt", "needle\n");
  expect((await call("grep", { pattern: "needle" })).text).toBe("a.txt\n1:\tneedle");
  expect((await call("grep", { pattern: "needle", path: "pipe" })).text).toMatch(/is a named pipe/);
  expect((await call("grep", { pattern: "none", path: "x.bin" })).text).toMatch(/x\.bin is a binary file/);
  expect((await call("grep", { pattern: "a\0b" })).isError).toBe(true);
  for (const path of ["/proc", "/dev/zero", "/", "zero"])
    expect((await call("grep", { pattern: "needle", path })).text).toMatch(/kernel's/);
});

test("a search ends with its run", async () => {
  bench.put("a.txt", "needle\n");
  const controller = new AbortController();
  const grep = await bench.prepared("grep", { pattern: "needle" }, { signal: controller.signal });
  const running = grep.run();
  controller.abort();
  await expect(running).rejects.toThrow(/abort/i);
});

test("without ripgrep the tools say so, and work again when it is back", async () => {
  let isThere = false;
  const { rgPath } = await import("@vscode/ripgrep");
  await bench.close();
  bench = createToolBench({
    ripgrep: createRipgrep(async () => (isThere ? rgPath : join(bench.home, "no-rg"))),
  });
  bench.put("a.txt", "needle\n");
  expect((await call("grep", { pattern: "needle" })).text).toMatch(
    /ripgrep\) cannot be run.*Use grep or find in bash/,
  );
  expect((await call("glob", { pattern: "*" })).isError).toBe(true);
  isThere = true;
  expect((await call("glob", { pattern: "*" })).text).toBe("a.txt");
});

test("a folder that went away is told", async () => {
  mkdirSync(join(bench.root, "gone"));
  const list = await bench.prepared("list", { path: "gone" });
  rmSync(join(bench.root, "gone"), { recursive: true });
  expect((await list.run()).text).toMatch(/gone does not exist/);
});

test("a search that goes through folders says which linked ones it left out", async () => {
  bench.put("real/deep/a.ts", "needle\n");
  bench.put("elsewhere/ignored.txt", "");
  symlinkSync("../elsewhere", `${bench.root}/real/linked`);
  symlinkSync("nowhere", `${bench.root}/real/dangling`);
  for (const pattern of ["**/*.ts", "*.ts", "real/**"])
    expect((await bench.call("glob", { pattern })).text).toContain(
      "(Folders behind links were not looked into: real/linked. Name one as path to search it.)",
    );
  expect((await bench.call("glob", { pattern: "real/*.ts" })).text).not.toContain("links");
  expect((await bench.call("grep", { pattern: "no such thing" })).text).toContain("real/linked");
});
