// A disk that fills while files are written (issue: where edits land): all files of a set are as they were, or all are as
// they should become; a sentence says which; and nothing of hearth's is left among them.
import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createCheckpointed } from "../support/checkpointed.ts";
import { mountSmallDisk, type SmallDisk, whyNoSmallDisk } from "../support/small-disk.ts";
import { openWorktreeWorld, writeAll } from "../support/worktree-world.ts";

const diskTest = test.skipIf(whyNoSmallDisk() !== null);
const big = (letter: string) => `${letter.repeat(500_000)}\n`;

/** A repository on a disk of 8 MB; hearth's own data is elsewhere. */
function repositoryOn(disk: SmallDisk, files: { [path: string]: string }) {
  const world = openWorktreeWorld(files, { top: join(disk.path, "repo") });
  onTestFinished(world.close);
  const names = () =>
    readdirSync(world.top)
      .filter((name) => name !== ".git")
      .sort();
  return { world, names };
}

function leave(disk: SmallDisk, bytes: number) {
  const { bavail, bsize } = statfsSync(disk.path);
  writeFileSync(join(disk.path, "ballast"), Buffer.alloc(bavail * bsize - bytes));
}

diskTest("apply: no room, and room for some of the files", async () => {
  const disk = mountSmallDisk(8);
  const { world, names } = repositoryOn(disk, { "a.txt": "a\n", "b.txt": "b\n", "gone.txt": "g\n" });
  await world.turn((folder) => {
    writeAll(folder, { "a.txt": big("A"), "b.txt": big("B"), "new/n.txt": "n\n" });
    rmSync(join(folder, "gone.txt"));
  });
  const ids = (await world.list()).map(({ id }) => id);
  for (const room of [0, 300_000, 700_000]) {
    leave(disk, room);
    await expect(world.services.apply(world.wid, ids)).rejects.toMatchObject({
      code: "files_unwritable",
      message: expect.stringMatching(
        /^[ab]\.txt cannot be written: the disk is full\. Nothing was changed\.$/,
      ),
    });
    expect([world.read("a.txt"), world.read("b.txt"), world.read("gone.txt")]).toEqual(["a\n", "b\n", "g\n"]);
    expect(names()).toEqual(["a.txt", "b.txt", "gone.txt"]);
    disk.free();
  }
  await world.services.apply(world.wid, ids);
  expect(names()).toEqual(["a.txt", "b.txt", "new"]);
});

diskTest(
  "apply: the disk fills after the files are written, and hearth cannot store that they are",
  async () => {
    const disk = mountSmallDisk(8);
    const before = { "a.txt": big("a"), "b.txt": big("b"), "gone.txt": big("g") };
    const { world, names } = repositoryOn(disk, before);
    await world.turn((folder) => {
      writeAll(folder, { "a.txt": "A\n", "b.txt": "B\n", "new/n.txt": "n\n" });
      rmSync(join(folder, "gone.txt"));
    });
    const ids = (await world.list()).map(({ id }) => id);
    const { fileWrites } = world.store;
    const { remove } = fileWrites;
    fileWrites.remove = () => {
      fileWrites.remove = remove;
      disk.fill();
      throw new Error("database or disk is full");
    };
    await expect(world.services.apply(world.wid, ids)).rejects.toMatchObject({ code: "files_unwritable" });
    expect(Object.fromEntries(names().map((name) => [name, world.read(name)]))).toEqual(before);
    expect([fileWrites.all(), readdirSync(join(world.home, "data", "writes"))]).toEqual([[], []]);
    expect((await world.list()).length).toBe(4);
  },
);

diskTest("apply: what can neither be stored nor put back is completed by the next apply", async () => {
  const disk = mountSmallDisk(8);
  const { world, names } = repositoryOn(disk, { "a.txt": "a\n", "gone.txt": "g\n" });
  await world.turn((folder) => {
    writeAll(folder, { "a.txt": "A\n", "x/b.txt": "B\n" });
    rmSync(join(folder, "gone.txt"));
  });
  const ids = (await world.list()).map(({ id }) => id);
  const apply = () => world.services.apply(world.wid, ids);
  disk.makeReadOnly();
  await expect(apply()).rejects.toMatchObject({
    code: "files_unwritable",
    message: "a.txt cannot be written: the disk is read-only. Nothing was changed.",
  });
  disk.makeWritable();
  const { fileWrites } = world.store;
  const { remove } = fileWrites;
  fileWrites.remove = () => {
    fileWrites.remove = remove;
    disk.makeReadOnly();
    throw new Error("disk I/O error");
  };
  await expect(apply()).rejects.toMatchObject({
    code: "files_unwritable",
    details: { paths: ["x/b.txt", "a.txt", "gone.txt"] },
  });
  await expect(apply()).rejects.toMatchObject({ code: "files_unwritable" });
  disk.makeWritable();
  expect((await apply()).map(({ state }) => state)).toEqual(["applied", "applied", "applied"]);
  expect(names()).toEqual(["a.txt", "x"]);
  expect([fileWrites.all(), readdirSync(join(world.home, "data", "writes"))]).toEqual([[], []]);
});

diskTest("undo and the checkpoint itself", async () => {
  const disk = mountSmallDisk(8);
  const at = await createCheckpointed({ in: disk.path });
  onTestFinished(() => at.end());
  at.write("a", big("a"));
  at.write("b", big("b"));
  at.write("c/d", "d");
  const turn = await at.turn(() => {
    at.write("a", "1");
    at.write("b", "2");
    at.write("n/new", "3");
    at.remove("c");
  });
  const after = at.all();
  const files = readdirSync(at.store).sort();
  for (const room of [0, 8192, 700_000]) {
    leave(disk, room);
    await expect(at.undo(at.checkpoints, turn)).rejects.toMatchObject({
      code: "files_unavailable",
      message: "Nothing was changed: the disk is full.",
    });
    expect([at.all(), readdirSync(at.store).sort()]).toEqual([after, files]);
    disk.free();
  }
  await at.undo(at.checkpoints, turn);
  expect(readFileSync(join(at.root, "a"), "utf8")).toBe(big("a"));
});

diskTest("a turn that ends on a full disk: what it changed is found later, and is its agent's", async () => {
  const disk = mountSmallDisk(8);
  const world = openWorktreeWorld({ "a.txt": "a\n" }, { home: disk.path });
  onTestFinished(world.close);
  disk.fill();
  await expect(world.ready()).rejects.toMatchObject({
    code: "isolation_unavailable",
    message: expect.stringMatching(/: the disk is full\.$/),
  });
  expect(world.git("worktree", "list").trim().split("\n").length).toBe(1);
  disk.free();
  const run = await world.turn((folder) => {
    writeAll(folder, { "a.txt": "A\n" });
    disk.fill();
  });
  expect(world.events.at(-1)).toEqual({
    type: "changes_unknown",
    payload: expect.stringContaining("the disk is full"),
  });
  disk.free();
  expect((await world.list()).map(({ path, agent, run_id }) => [path, agent, run_id])).toEqual([
    ["a.txt", "hearth", run],
  ]);
});
