// A daemon that is killed between two steps of writing a set of files leaves all of it, or nothing.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { FileWrite, WriteRecord } from "../../src/agent/worktree/place-file.ts";
import { recoverWrites } from "../../src/agent/worktree/recover-writes.ts";
import { readTreeFile } from "../../src/agent/worktree/tree-files.ts";
import { writeFiles } from "../../src/agent/worktree/write-files.ts";
import { openWorktreeWorld, writeAll } from "../support/worktree-world.ts";

const state = (text: string) => ({ mode: "100644", content: Buffer.from(text) });

async function plan(top: string): Promise<FileWrite[]> {
  const to: [string, string | null][] = [
    ["a.txt", "A\n"],
    ["gone.txt", null],
    ["new/deep.txt", "n\n"],
    ["z.txt", "Z\n"],
  ];
  return Promise.all(
    to.map(async ([name, text]) => {
      const path = Buffer.from(name);
      const found = await readTreeFile(top, path);
      const there = found.kind === "file" ? found : null;
      return {
        path,
        before: there?.state ?? null,
        after: text === null ? null : state(text),
        permissions: there?.permissions ?? null,
      };
    }),
  );
}

/** What the set was stored as, with only the first `written` files written. */
async function crashAfter(written: number) {
  const world = openWorktreeWorld({ "a.txt": "a\n", "gone.txt": "g\n", "z.txt": "z\n" });
  onTestFinished(world.close);
  const folder = join(world.home, "writes");
  let record: WriteRecord | undefined;
  const begin = (stored: WriteRecord) => {
    record = stored;
    throw new Error("killed");
  };
  const writes = await plan(world.top);
  const stay = { id: "x", top: world.top, folder };
  await writeFiles(stay, writes, { begin, finish() {}, abandon() {} }).catch(() => {});
  if (record === undefined) throw new Error("nothing was stored");
  // The folder is what a killed daemon would have left.
  for (const [at, { before, after }] of writes.entries())
    writeAll(folder, {
      ...(before && { [`${at}.before`]: before.content }),
      ...(after && { [`${at}.after`]: after.content }),
    });
  const rest = { ...stay, folder: join(world.home, "other") };
  await writeFiles(rest, writes.slice(0, written), { begin() {}, finish() {}, abandon() {} });
  writeAll(world.top, { ".hearth-x-3": "half" });
  return { world, record };
}

const filesIn = (top: string) =>
  readdirSync(top)
    .filter((name) => name !== ".git")
    .sort();

test.each([0, 1, 2, 3, 4])("after %i of 4 files, the next start completes the set", async (written) => {
  const { world, record } = await crashAfter(written);
  expect(await recoverWrites(record)).toBe(true);
  expect([world.read("a.txt"), world.read("new/deep.txt"), world.read("z.txt")]).toEqual([
    "A\n",
    "n\n",
    "Z\n",
  ]);
  expect(filesIn(world.top)).toEqual(["a.txt", "new", "z.txt"]);
});

test("if a person changed one of them meanwhile, the others are taken back and that one stays", async () => {
  const { world, record } = await crashAfter(3);
  writeAll(world.top, { "z.txt": "mine\n" });
  expect(await recoverWrites(record)).toBe(false);
  expect([world.read("a.txt"), world.read("gone.txt"), world.read("z.txt")]).toEqual([
    "a\n",
    "g\n",
    "mine\n",
  ]);
  expect(existsSync(join(world.top, "new"))).toBe(false);
});

test("a daemon killed after the last file: the change counts as applied after the restart", async () => {
  const world = openWorktreeWorld({ "a.txt": "a\n", "b.txt": "b\n" });
  onTestFinished(world.close);
  await world.turn((folder) => writeAll(folder, { "a.txt": "A\n", "b.txt": "B\n" }));
  const ids = (await world.list()).map(({ id }) => id);
  const { remove } = world.store.fileWrites;
  world.store.fileWrites.remove = () => {
    throw new Error("killed");
  };
  await expect(world.services.apply(world.wid, ids)).rejects.toThrow("killed");
  world.store.fileWrites.remove = remove;
  await world.restart();
  const { changes: rows } = await world.services.list(world.wid, { session_id: world.sid });
  const states = rows.map((row) => row.state);
  // Taken back or completed, but files and rows say the same.
  expect([world.read("a.txt"), world.read("b.txt"), states]).toEqual(
    world.read("a.txt") === "A\n"
      ? ["A\n", "B\n", ["applied", "applied"]]
      : ["a\n", "b\n", ["pending", "pending"]],
  );
  expect(world.store.fileWrites.all()).toEqual([]);
});
