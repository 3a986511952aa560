import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFileSearch } from "../../src/agent/file-search.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hearth-files-"));
  mkdirSync(join(root, "src"));
  for (const name of ["README.md", "src/main.ts", "src/secret.log"]) writeFileSync(join(root, name), "");
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test("files are found by letters of their path, best first, and what .gitignore names is left out", async () => {
  writeFileSync(join(root, ".gitignore"), "*.log\n");
  const search = createFileSearch(Date.now);
  expect(await search.find(root, "", 10)).toEqual({
    files: [".gitignore", "README.md", "src/main.ts"],
    truncated: false,
  });
  expect(await search.find(root, "smain", 10)).toEqual({ files: ["src/main.ts"], truncated: false });
});

test("a listing that takes too long is ended and says that it is not whole", async () => {
  execFileSync("mkfifo", [join(root, ".gitignore")]); // nobody ever writes to it
  const search = createFileSearch(Date.now, 100);
  expect(await search.find(root, "", 10)).toMatchObject({ truncated: true });
});

test("one listing serves the questions of some seconds, then it is made anew", async () => {
  let now = 1000;
  const search = createFileSearch(() => now);
  await search.find(root, "", 10);
  writeFileSync(join(root, "a-new-one"), "");
  expect((await search.find(root, "new", 10)).files).toEqual([]);
  now += 5000;
  expect((await search.find(root, "new", 10)).files).toEqual(["a-new-one"]);
});
