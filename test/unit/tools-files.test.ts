import { execFileSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeText, encodeText } from "../../src/agent/tools/files/text-file.ts";
import { diffTexts } from "../../src/agent/tools/files/unified-diff.ts";
import { createToolBench, type ToolBench } from "../support/tool-bench.ts";

let bench: ToolBench;
beforeEach(() => {
  bench = createToolBench();
});
afterEach(() => bench.close());

const read = (path: string, more: object = {}) => bench.call("read", { path, ...more });
const edit = (path: string, old_string: string, new_string: string) =>
  bench.call("edit", { path, edits: [{ old_string, new_string }] });

test("read numbers the lines and says where to go on", async () => {
  bench.put("a.txt", Array.from({ length: 2500 }, (_, index) => `line ${index + 1}`).join("\n"));
  const first = await read("a.txt");
  expect(first.text).toMatch(/^1\tline 1\n2\tline 2\n/);
  expect(first.text).toMatch(/2000\tline 2000\n\n\(Lines 1 to 2000 of 2500\. Go on with offset 2001\.\)$/);
  expect(first.view).toEqual({ kind: "file", path: "a.txt", line_count: 2000 });
  const rest = await read("a.txt", { offset: 2001 });
  expect(rest.text.startsWith("2001\tline 2001\n")).toBe(true);
  expect(rest.text.endsWith("2500\tline 2500")).toBe(true);
  const some = await read("a.txt", { offset: 10, limit: 2 });
  expect(some.text).toBe("10\tline 10\n11\tline 11\n\n(Lines 10 to 11 of 2500. Go on with offset 12.)");
  expect(await read("a.txt", { offset: 2501 })).toMatchObject({ isError: true, text: /2500 lines/ });
});

test("read is bounded in bytes and in the length of a line, but always gives something", async () => {
  bench.put("wide.txt", Array.from({ length: 100 }, () => "é".repeat(1000)).join("\n"));
  const wide = await read("wide.txt");
  expect(Buffer.byteLength(wide.text)).toBeLessThan(52 * 1024);
  expect(wide.text).toMatch(/Lines 1 to 25 of 100/);
  bench.put("one.txt", "x".repeat(5_000_000));
  const one = await read("one.txt");
  expect(one.text.length).toBeLessThan(2100);
  expect(one.text).toContain("(5000000 characters in this line)");
});

test("an empty file, one without final line break and one of CRLF lines are read as what they are", async () => {
  bench.put("empty", "");
  bench.put("open", "a\nb");
  bench.put("dos", "\ufeffa\r\nb\r\n");
  expect((await read("empty")).text).toBe("(The file is empty.)");
  expect((await read("open")).text).toBe("1\ta\n2\tb");
  expect((await read("dos")).text).toBe("1\ta\n2\tb");
});

test("read refuses what is no text and says what it is", async () => {
  bench.put("p.png", Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10, 0, 0, 0, 0]));
  bench.put("x.bin", Buffer.from([1, 2, 0, 3]));
  bench.put("a.zip", Buffer.from([0x50, 0x4b, 3, 4, 0, 0xff]));
  expect((await read("a.zip")).text).toMatch(/^a\.zip is a ZIP archive \(6 bytes\), not text/);
  expect((await read("p.png")).text).toMatch(/^p\.png is a PNG image that is damaged/);
  expect((await read("x.bin")).text).toMatch(/a binary file/);
  bench.put("words.txt", "PK is not always a ZIP, BZh neither");
  expect((await read("words.txt")).isError).toBeUndefined();
});

test("UTF-16 and Latin-1 files can be read, and are refused for editing", async () => {
  bench.put("u16.txt", Buffer.from("\ufeffgrüße\n", "utf16le"));
  bench.put("latin.txt", Buffer.from([0x67, 0x72, 0xfc, 0x0a]));
  expect((await read("u16.txt")).text).toContain("1\tgrüße");
  expect((await read("latin.txt")).text).toMatch(/1\tgr\ufffd\n\n\(The file is not UTF-8/);
  expect((await edit("u16.txt", "grüße", "x")).text).toMatch(/not UTF-8/);
});

test("a pipe, a device and the kernel's files are not opened", async () => {
  execFileSync("mkfifo", [join(bench.root, "pipe")]);
  symlinkSync("/dev/zero", join(bench.root, "zero"));
  symlinkSync("/proc/self/mem", join(bench.root, "mem"));
  expect((await read("pipe")).text).toBe("pipe is a named pipe, not a file.");
  expect((await read("zero")).text).toMatch(/belongs to the kernel/);
  expect((await read("mem")).text).toMatch(/belongs to the kernel/);
  expect((await read(".")).text).toMatch(/is a folder/);
  expect((await edit("pipe", "a", "b")).text).toMatch(/is a named pipe/);
});

test("a file of 20 GB is read in part, by line, and never edited", async () => {
  const path = bench.put("huge.log", "first\nsecond\n");
  truncateSync(path, 20 * 1024 ** 3); // sparse
  // All that follows are NUL bytes: nothing that is text.
  expect((await read("huge.log")).text).toMatch(/huge\.log is a binary file \(20 GB\)/);
  const log = bench.put("big.log", `${"0123456789".repeat(10)}\n`.repeat(120_000));
  const page = await read("big.log", { offset: 100_000, limit: 2 });
  expect(page.text).toMatch(/^100000\t0123.*\n100001\t0123.*\n\n\(Lines 100000 to 100001 of a file of 12 MB/);
  expect((await edit("big.log", "0", "1")).text).toMatch(/12 MB, too large/);
  expect(statSync(log).size).toBe(120_000 * 101);
});

test("a missing name lists similar ones", async () => {
  bench.put("src/Server.ts", "");
  bench.put("src/service.ts", "");
  expect((await read("src/server.ts")).text).toMatch(
    /^src\/server\.ts does not exist\. There is src\/Server\.ts/,
  );
  expect((await read("no/such")).text).toBe("no/such does not exist, nor does its folder.");
});

test("a path that cannot exist is told to the model", async () => {
  symlinkSync("loop", join(bench.root, "loop"));
  expect((await read("a\0b")).text).toBe("A path cannot contain a NUL character.");
  expect((await read("loop")).isError).toBe(true);
  expect((await read("x".repeat(300))).text).toMatch(/too long a name/);
});

test("a read asks for permission of the real path", async () => {
  mkdirSync(join(bench.home, "outside"));
  writeFileSync(join(bench.home, "outside/secret"), "x");
  symlinkSync("../outside/secret", join(bench.root, "link"));
  expect(await bench.subject("read", { path: "link" })).toEqual({
    type: "path",
    access: "read",
    path: join(bench.home, "outside/secret"),
  });
});

test("a link that takes the file's place after permission is not followed", async () => {
  const path = bench.put("a.txt", "mine");
  writeFileSync(join(bench.home, "secret"), "not yours");
  const call = await bench.prepared("read", { path: "a.txt" });
  rmSync(path);
  symlinkSync(join(bench.home, "secret"), path);
  const result = await call.run();
  expect(result.isError).toBe(true);
  expect(result.text).not.toContain("not yours");
});

test("write makes a file and its folders, and asks with the whole content as a diff", async () => {
  const call = await bench.prepared("write", { path: "new/deep/a.txt", content: "one\ntwo\n" });
  expect(existsSync(join(bench.root, "new"))).toBe(false);
  expect(call.permission).toEqual({
    tool: "edit",
    subject: {
      type: "path",
      access: "write",
      path: join(bench.root, "new/deep/a.txt"),
      unified: "@@ -0,0 +1,2 @@\n+one\n+two",
      file: { path: join(bench.root, "new/deep/a.txt"), kind: "added" },
    },
  });
  const result = await call.run();
  expect(result.text).toBe("Created new/deep/a.txt (+2 -0).");
  expect(result.view).toMatchObject({ kind: "diff", path: "new/deep/a.txt", additions: 2, deletions: 0 });
  expect(readFileSync(join(bench.root, "new/deep/a.txt"), "utf8")).toBe("one\ntwo\n");
  expect(readdirSync(join(bench.root, "new/deep"))).toEqual(["a.txt"]);
});

test("a file is edited or replaced only after it was read, and writing it counts as reading", async () => {
  bench.put("a.txt", "one\n");
  expect((await edit("a.txt", "one", "two")).text).toBe("Read a.txt first: it was not read in this session.");
  expect((await bench.call("write", { path: "a.txt", content: "x" })).isError).toBe(true);
  expect(readFileSync(join(bench.root, "a.txt"), "utf8")).toBe("one\n");
  await read("a.txt", { offset: 1, limit: 1 });
  expect((await edit("a.txt", "one", "two")).text).toMatch(/^Edited a\.txt \(\+1 -1\)\.\n1\ttwo/);
  expect((await edit("a.txt", "two", "three")).isError).toBeUndefined();
  expect((await bench.call("write", { path: "a.txt", content: "four\n" })).text).toMatch(/^Replaced a\.txt/);
  expect(readFileSync(join(bench.root, "a.txt"), "utf8")).toBe("four\n");
});

test("the same file is known under each of its names", async () => {
  bench.put("a.txt", "one\n");
  symlinkSync("a.txt", join(bench.root, "link.txt"));
  await read("link.txt");
  expect((await edit("a.txt", "one", "two")).isError).toBeUndefined();
  expect(lstatSync(join(bench.root, "link.txt")).isSymbolicLink()).toBe(true);
  expect((await edit("link.txt", "two", "three")).isError).toBeUndefined();
  expect(lstatSync(join(bench.root, "link.txt")).isSymbolicLink()).toBe(true);
  expect(readFileSync(join(bench.root, "a.txt"), "utf8")).toBe("three\n");
});

test("a file that changed since it was read is not edited; what changed is told, and then the edit goes", async () => {
  const path = bench.put("a.txt", "one\ntwo\nthree\n");
  await read("a.txt");
  writeFileSync(path, "one\n2\nthree\n");
  const refused = await edit("a.txt", "three", "3");
  expect(refused.isError).toBe(true);
  expect(refused.text).toMatch(
    /has changed since it was read; nothing was written\. What changed:\n@@ .*\n one\n-two\n\+2\n three/,
  );
  expect(readFileSync(path, "utf8")).toBe("one\n2\nthree\n");
  expect((await edit("a.txt", "three", "3")).isError).toBeUndefined();
  expect(readFileSync(path, "utf8")).toBe("one\n2\n3\n");
});

test("a file that was only touched has not changed", async () => {
  const path = bench.put("a.txt", "one\n");
  await read("a.txt");
  writeFileSync(path, "one\n");
  expect((await edit("a.txt", "one", "two")).isError).toBeUndefined();
});

test("what is applied is what was asked about, or nothing", async () => {
  const path = bench.put("a.txt", "one\n");
  await read("a.txt");
  const changed = await bench.prepared("edit", {
    path: "a.txt",
    edits: [{ old_string: "one", new_string: "two" }],
  });
  writeFileSync(path, "somebody else's\n");
  expect((await changed.run()).text).toMatch(/changed while permission was asked/);
  expect(readFileSync(path, "utf8")).toBe("somebody else's\n");
  const made = await bench.prepared("write", { path: "b.txt", content: "mine" });
  bench.put("b.txt", "theirs");
  expect((await made.run()).text).toMatch(/created by somebody else meanwhile/);
  expect(readFileSync(join(bench.root, "b.txt"), "utf8")).toBe("theirs");
  await read("a.txt");
  const gone = await bench.prepared("edit", {
    path: "a.txt",
    edits: [{ old_string: "else's", new_string: "x" }],
  });
  rmSync(path);
  expect((await gone.run()).text).toMatch(/changed while permission was asked/);
  expect(existsSync(path)).toBe(false);
});

test("a folder swapped for a link after permission lets nothing be written outside", async () => {
  mkdirSync(join(bench.home, "outside"));
  bench.put("dir/keep", "");
  const call = await bench.prepared("write", { path: "dir/sub/a.txt", content: "x" });
  renameSync(join(bench.root, "dir"), join(bench.root, "old"));
  symlinkSync("../outside", join(bench.root, "dir"));
  expect((await call.run()).isError).toBe(true);
  expect(readdirSync(join(bench.home, "outside"))).toEqual([]);
});

test("an edit keeps line endings, byte order mark, missing final line break and mode", async () => {
  const path = bench.put("run.sh", "\ufeffone\r\ntwo\r\nthree");
  chmodSync(path, 0o751);
  await read("run.sh");
  await bench.call("edit", {
    path: "run.sh",
    edits: [{ old_string: "one\ntwo", new_string: "one\nand\ntwo" }],
  });
  expect(readFileSync(path, "utf8")).toBe("\ufeffone\r\nand\r\ntwo\r\nthree");
  expect(statSync(path).mode & 0o777).toBe(0o751);
  await bench.call("write", { path: "run.sh", content: "new\nfile\n" });
  expect(readFileSync(path, "utf8")).toBe("\ufeffnew\r\nfile\r\n");
  expect(statSync(path).mode & 0o777).toBe(0o751);
  expect(readdirSync(bench.root)).toEqual(["run.sh"]);
});

test("a reader never sees half of a file", async () => {
  const path = bench.put("a.txt", "old\n");
  const before = statSync(path).ino;
  await read("a.txt");
  await edit("a.txt", "old", "new");
  expect(statSync(path).ino).not.toBe(before);
});

test("one edit may stand beside the path, and several are all or nothing", async () => {
  const path = bench.put("a.txt", "one two three\n");
  await read("a.txt");
  expect(
    (await bench.call("edit", { path: "a.txt", old_string: "one", new_string: "1" })).isError,
  ).toBeUndefined();
  const edits = [
    { old_string: "two", new_string: "2" },
    { old_string: "four", new_string: "4" },
  ];
  expect((await bench.call("edit", { path: "a.txt", edits })).text).toMatch(/edit 2 \(of 2\) was not found/);
  expect(readFileSync(path, "utf8")).toBe("1 two three\n");
});

test("an edit says when it overlooked a difference, and shows the changed lines", async () => {
  bench.put("a.py", "def f():\n    a = 1\n    return a\n");
  await read("a.py");
  const result = await edit("a.py", "a = 1\nreturn a", "a = 2\nreturn a");
  expect(result.text).toBe(
    "Edited a.py (+1 -1).\nIt matched only when differences in indentation were overlooked.\n1\tdef f():\n2\t    a = 2\n3\t    return a",
  );
});

test("a write outside the workspace asks for the real path", async () => {
  symlinkSync("..", join(bench.root, "up"));
  expect(await bench.subject("write", { path: "up/x", content: "" })).toMatchObject({
    path: join(bench.home, "x"),
  });
});

test.runIf(process.getuid?.() !== 0)("a file that may not be written says so", async () => {
  const path = bench.put("a.txt", "one\n");
  await read("a.txt");
  chmodSync(path, 0o444);
  chmodSync(bench.root, 0o555);
  expect((await edit("a.txt", "one", "two")).text).toMatch(/permission denied/);
  chmodSync(bench.root, 0o755);
});

test("a canceled run changes nothing", async () => {
  const path = bench.put("a.txt", "one\n");
  await read("a.txt");
  const controller = new AbortController();
  const input = { path: "a.txt", edits: [{ old_string: "one", new_string: "two" }] };
  const call = await bench.prepared("edit", input, { signal: controller.signal });
  controller.abort();
  await expect(call.run()).rejects.toThrow(/abort/i);
  expect(readFileSync(path, "utf8")).toBe("one\n");
});

test("a diff has no file headers, counts lines, and gives up finding what two long texts share", () => {
  expect(diffTexts("a\nb\nc\n", "a\nx\nc\n")).toEqual({
    unified: "@@ -1,3 +1,3 @@\n a\n-b\n+x\n c",
    additions: 1,
    deletions: 1,
  });
  expect(diffTexts("a", "a\n").unified).toBe("@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a");
  const many = (name: string) => Array.from({ length: 20_000 }, (_, index) => `${name} ${index}`).join("\n");
  expect(diffTexts(many("old"), many("new"))).toMatchObject({ additions: 20_000, deletions: 20_000 });
  expect(diffTexts(many("old"), `${many("new")}\nlast`)).toMatchObject({
    additions: 20_001,
    deletions: 20_000,
  });
});

test("what was replaced throughout a long text is shown line by line", () => {
  const lines = (name: string) =>
    Array.from({ length: 20_000 }, (_, at) => (at % 10 === 5 ? name : `line ${at}`));
  const diff = diffTexts(lines("old").join("\n"), lines("new").join("\n"));
  expect(diff).toMatchObject({ additions: 2000, deletions: 2000 });
  expect(diff.unified.split("\n").slice(0, 9)).toEqual([
    "@@ -3,7 +3,7 @@",
    " line 2",
    " line 3",
    " line 4",
    "-old",
    "+new",
    " line 6",
    " line 7",
    " line 8",
  ]);
});

test("property: a diff applied with patch gives the new text", () => {
  const few = fc.array(fc.constantFrom("a", "b", "c", "", "@@ x", "-d", "+e"), { maxLength: 30 });
  // More lines than are lined up, of as many lines as before or of more.
  const many = fc
    .tuple(few, fc.nat({ max: 1 }))
    .map(([lines, seed]) =>
      Array.from({ length: 700 }, (_, at) => `${seed} ${at}`).flatMap((line) => [line, ...lines.slice(0, 3)]),
    );
  const text = fc
    .tuple(few, fc.oneof({ weight: 4, arbitrary: fc.constant<string[]>([]) }, many), few)
    .map((parts) => parts.flat().join("\n"));
  fc.assert(
    fc.property(text, text, (before, after) => {
      fc.pre(before !== after);
      const { unified, additions, deletions } = diffTexts(before, after);
      const rows = unified.split("\n").filter((row) => !row.startsWith("@@ ") && !row.startsWith("\\"));
      const from = bench.put("from", before);
      appendFileSync(bench.put("patch", ""), `--- from\n+++ from\n${unified}\n`);
      execFileSync("git", ["apply", "-p0", "--unidiff-zero", "--whitespace=nowarn", "patch"], {
        cwd: bench.root,
      });
      expect(readFileSync(from, "utf8")).toBe(after);
      expect(rows.filter((row) => row.startsWith("+"))).toHaveLength(additions);
      expect(rows.filter((row) => row.startsWith("-"))).toHaveLength(deletions);
    }),
    { numRuns: 40 },
  );
});

test("property: bytes that are UTF-8 survive being decoded and encoded", () => {
  const piece = fc.constantFrom("a", "\r\n", "\n", "\r", "\ufeff", "é", "🔥", "\0", " ");
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const bytes = Buffer.from(pieces.join(""), "utf8");
      const decoded = decodeText(bytes);
      fc.pre(decoded.isFaithful);
      expect(encodeText(decoded.text, decoded)).toEqual(bytes);
    }),
    { numRuns: 2000 },
  );
});

test("a file that is protected from being written is not replaced without a word", async () => {
  const path = bench.put("locked", "one\n");
  chmodSync(path, 0o444);
  await bench.call("read", { path: "locked" });
  for (const [tool, more] of [
    ["edit", { edits: [{ old_string: "one", new_string: "two" }] }],
    ["write", { content: "two\n" }],
  ] as const) {
    const result = await bench.call(tool, { path: "locked", ...more });
    expect(result).toMatchObject({ isError: true });
    expect(result.text).toContain("locked is read-only (mode 0444). Nothing was changed.");
  }
  expect(readFileSync(path, "utf8")).toBe("one\n");
  expect(statSync(path).mode & 0o777).toBe(0o444);
});

test("a file keeps its other names, and it is said that it was written in place", async () => {
  const path = bench.put("first", "one and more\n");
  linkSync(path, `${bench.root}/second`);
  await bench.call("read", { path: "first" });
  const edits = [{ old_string: "one and more", new_string: "two" }];
  const { text } = await bench.call("edit", { path: "first", edits });
  expect(text).toContain("It was written in place, because it has 2 names (hard links).");
  expect(readFileSync(`${bench.root}/second`, "utf8")).toBe("two\n");
  expect(readdirSync(bench.root).filter((name) => name.endsWith(".tmp"))).toEqual([]);
});

test.runIf(process.getuid?.() === 0)("a file keeps its owner and its group", async () => {
  const path = bench.put("theirs", "one\n");
  chownSync(path, 12_345, 54_321);
  await bench.call("read", { path: "theirs" });
  await bench.call("edit", { path: "theirs", edits: [{ old_string: "one", new_string: "two" }] });
  expect(statSync(path)).toMatchObject({ uid: 12_345, gid: 54_321 });
  expect(readFileSync(path, "utf8")).toBe("two\n");
});
