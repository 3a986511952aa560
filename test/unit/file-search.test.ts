import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createFileSearch, type FileSearch } from "../../src/agent/files/file-search.ts";
import { createListedPaths } from "../../src/agent/files/listed-paths.ts";
import { createPathIndex } from "../../src/agent/worker/path-index.ts";

let root: string;
let now: number;
let search: FileSearch;
const { signal } = new AbortController();
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "hearth-files-"));
  mkdirSync(join(root, "src"));
  for (const name of ["README.md", "src/main.ts", "src/secret.log"]) writeFileSync(join(root, name), "");
  now = 1000;
  search = createFileSearch(() => now);
});
afterEach(() => {
  search.close();
  rmSync(root, { recursive: true, force: true });
});

/** As a terminal does: asked again until there is no more to come. */
async function find(query: string, from = search) {
  for (;;) {
    const found = await from.find(root, query, 10, signal);
    if (found.complete) return found;
  }
}

test("files and folders are found by letters of their path, and what .gitignore names is left out", async () => {
  writeFileSync(join(root, ".gitignore"), "*.log\n");
  expect(await find("")).toEqual({
    files: [".gitignore", "README.md", "src/", "src/main.ts"],
    truncated: false,
    complete: true,
  });
  expect((await find("smain")).files).toEqual(["src/main.ts"]);
  expect((await find("src")).files).toEqual(["src/", "src/main.ts"]);
  expect((await find("readme")).files).toEqual(["README.md"]);
});

test("an explicit path is looked up in the file system, and so is an ignored one", async () => {
  writeFileSync(join(root, ".gitignore"), "*.log\n");
  expect((await find("/etc/host")).files).toContain("/etc/hosts");
  expect((await find("./s")).files).toEqual(["./src/"]);
  for (const climbing of ["..", "../", "src/../..", "/etc/../etc/host"])
    expect((await find(climbing)).files, climbing).toEqual([]);
  expect((await find(`${homedir()}/nothing-like-that`)).files).toEqual([]);
  expect((await find("~/nothing-like-that")).files).toEqual([]);
  expect((await find("src/se")).files).toEqual(["src/secret.log"]);
});

test("a listing that takes too long is ended and says that it is not whole", async () => {
  execFileSync("mkfifo", [join(root, ".gitignore")]); // nobody ever writes to it
  const short = createFileSearch(() => now, 100);
  expect(await find("", short)).toMatchObject({ truncated: true });
  short.close();
});

test("a partial listing is searched, and marked as incomplete", async () => {
  execFileSync("mkfifo", [join(root, "src/.gitignore")]); // the listing never gets past it
  const found = await search.find(root, "README", 10, signal);
  expect(found).toMatchObject({ truncated: false, complete: false });
});

test("an old listing is used at once and refreshed in the background", async () => {
  await find("");
  writeFileSync(join(root, "a-new-one"), "");
  expect(await search.find(root, "README", 10, signal)).toMatchObject({ complete: true });
  now += 5000;
  expect(await search.find(root, "README", 10, signal)).toMatchObject({
    files: ["README.md"],
    complete: false,
  });
  expect((await find("a-new")).files).toEqual(["a-new-one"]);
});

test("an aborted search stops waiting", async () => {
  execFileSync("mkfifo", [join(root, ".gitignore")]);
  const stop = new AbortController();
  const asked = search.find(root, "x", 10, stop.signal);
  stop.abort(new Error("typed on"));
  await expect(asked).rejects.toThrow("typed on");
});

const bytesOf = (paths: readonly string[]) =>
  new TextEncoder().encode(paths.map((path) => `./${path}\0`).join(""));

test("an index finds names before paths before letters, whatever their case and accents", () => {
  const index = createPathIndex();
  const paths = ["lib/mainly/x.ts", "MAIN.md", "src/main.ts", "m/a/i/n.c", "src/Café.txt", "src/ünicode.txt"];
  index.add(bytesOf(paths));
  expect(index.find("main", 3)).toEqual(["MAIN.md", "src/main.ts", "lib/mainly/"]);
  expect(index.find("cafe", 5)).toEqual(["src/Café.txt"]);
  expect(index.find("café", 5)).toEqual(["src/Café.txt"]);
  expect(index.find("unicode", 5)).toEqual(["src/ünicode.txt"]);
  expect(index.find("nothing", 5)).toEqual([]);
  expect(index.find("", 4)).toEqual(["MAIN.md", "lib/", "m/", "src/"]);
  expect(index.find("a/i", 5)).toEqual(["m/a/i/", "m/a/i/n.c"]);
});

test("the calling thread and the worker thread find the same", async () => {
  const paths = Array.from({ length: 3000 }, (_, at) => `pkg${at % 30}/mod${at % 7}/file-${at}.ts`);
  const [near, far] = [createListedPaths(), createListedPaths(100)];
  for (let at = 0; at < paths.length; at += 500)
    for (const listed of [near, far]) listed.add(bytesOf(paths.slice(at, at + 500)));
  for (const query of ["", "file-29", "pkg3/", "mod6 file", "p1f2"])
    expect(await far.find(query, 20)).toEqual(await near.find(query, 20));
  expect(await far.find("file-2999", 20)).toEqual(["pkg29/mod3/file-2999.ts"]);
  far.close();
});
