// Worktrees of repositories that are not as usual (issue: where edits land): a turn is found whole, nothing that nobody
// touched is a change, and what is applied stands in the user's files; or the worktree is refused with the reason.
import { execFileSync } from "node:child_process";
import {
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { openWorktreeWorld, type WorktreeWorld, writeAll } from "../support/worktree-world.ts";

const committed = { "src/a.txt": "one\ntwo\nthree\n", "docs/b.txt": "b\n", ".gitattributes": "" };

function open(): WorktreeWorld {
  const world = openWorktreeWorld(committed);
  onTestFinished(world.close);
  return world;
}

/** Puts a clone of the repository in its place. */
function cloned(world: WorktreeWorld, ...options: string[]) {
  const copy = join(world.home, "copy");
  world.git("config", "uploadpack.allowFilter", "true");
  world.git("-c", "protocol.file.allow=always", "clone", "-q", ...options, `file://${world.top}`, copy);
  rmSync(world.top, { recursive: true });
  renameSync(copy, world.top);
}

const odd: { [kind: string]: (world: WorktreeWorld) => void } = {
  "shallow, of a remote that is gone": (world) => {
    writeAll(world.top, { "docs/b.txt": "second\n" });
    world.git("commit", "-qam", "second");
    cloned(world, "--depth", "1");
  },
  "a partial clone, of a remote that is gone": (world) => {
    writeAll(world.top, { "docs/b.txt": "second\n" });
    world.git("commit", "-qam", "second");
    cloned(world, "--filter=blob:none");
  },
  sparse: (world) => {
    world.git("sparse-checkout", "set", "--cone", "src");
    expect(existsSync(join(world.top, "docs"))).toBe(false);
  },
  "with a submodule": (world) => {
    const other = join(world.home, "other");
    mkdirSync(other);
    world.git("init", "-q", other);
    writeAll(other, { x: "x\n" });
    world.git("-C", other, "add", "-A");
    world.git("-C", other, "commit", "-q", "-m", "other");
    world.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", other, "lib");
    world.git("commit", "-q", "-m", "lib");
    writeAll(world.top, { "lib/x": "changed there\n" });
  },
  "with LFS and no git-lfs": (world) => {
    const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${"0".repeat(64)}\nsize 12\n`;
    writeAll(world.top, {
      "big.bin": pointer,
      ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
    });
    world.git("add", "-A");
    world.git("commit", "-q", "-m", "large");
    for (const verb of ["clean", "smudge"])
      world.git("config", `filter.lfs.${verb}`, `git-lfs ${verb} -- %f`);
    world.git("config", "filter.lfs.required", "true");
  },
  "whose .git is a file": (world) => {
    const elsewhere = join(world.home, "elsewhere.git");
    renameSync(join(world.top, ".git"), elsewhere);
    writeFileSync(join(world.top, ".git"), `gitdir: ${elsewhere}\n`);
    world.git("config", "core.worktree", world.top);
  },
  "a worktree itself": (world) => {
    const main = join(world.home, "main");
    renameSync(world.top, main);
    execFileSync("git", ["-C", main, "worktree", "add", "-q", "-b", "topic", world.top], { stdio: "ignore" });
  },
  "on no branch": (world) => void world.git("checkout", "-q", "--detach"),
  "with names of any bytes": (world) => {
    const latin = Buffer.concat([Buffer.from(`${world.top}/caf`), Buffer.from([0xe9]), Buffer.from(".txt")]);
    writeFileSync(latin, "l\n");
    writeAll(world.top, { "a line\nbreak.txt": "n\n", "-rf": "dash\n", "ünï/\ttab": "t\n" });
    world.git("add", "-A");
    world.git("commit", "-q", "-m", "names");
  },
};

/** git-lfs may be missing. */
const withoutLfs = ["-c", "filter.lfs.clean=cat", "-c", "filter.lfs.required=false"];
const statusOf = ({ git }: WorktreeWorld): string => git(...withoutLfs, "status", "--porcelain");

test.for(Object.entries(odd))("a repository %s", async ([, make]) => {
  const world = open();
  make(world);
  writeAll(world.top, { "src/a.txt": "one\nmine\nthree\n", "new.txt": "not added\n" });
  const status = statusOf(world);
  await world.turn(() => {});
  expect(await world.list()).toEqual([]);
  await world.turn((folder) => {
    expect(readFileSync(join(folder, "src/a.txt"), "utf8")).toBe("one\nmine\nthree\n");
    expect(existsSync(join(folder, "new.txt"))).toBe(true);
    writeAll(folder, { "src/a.txt": "one\nmine\nthree\nfour\n", "made.txt": "made\n" });
  });
  // The user goes on meanwhile: the base moves.
  writeAll(world.top, { "src/a.txt": "zero\none\nmine\nthree\n" });
  world.git(...withoutLfs, "commit", "-q", "-m", "the user's", "--", "src/a.txt");
  const rows = await world.list();
  expect(rows.map(({ path, kind }) => [path, kind])).toEqual([
    ["made.txt", "added"],
    ["src/a.txt", "modified"],
  ]);
  const ids = rows.map(({ id }) => id);
  await world.services.apply(world.wid, ids);
  expect([world.read("src/a.txt"), world.read("made.txt")]).toEqual([
    "zero\none\nmine\nthree\nfour\n",
    "made\n",
  ]);
  await world.services.revert(world.wid, ids);
  expect([world.read("src/a.txt"), existsSync(join(world.top, "made.txt"))]).toEqual([
    "zero\none\nmine\nthree\n",
    false,
  ]);
  // But for the user's own commit, everything stands as it stood.
  expect(statusOf(world)).toBe(status.replace(/^ M src\/a\.txt\n/m, ""));
  expect(world.logged.filter((line) => line.startsWith("error"))).toEqual([]);
  await world.services.reject(
    world.wid,
    (await world.list()).map(({ id }) => id),
  );
  await world.worktrees.reap(world.sid);
  expect(readdirSync(join(world.home, "data", "worktrees"))).toEqual([]);
});

test("names of any bytes are changed and applied as they are", async () => {
  const world = open();
  odd["with names of any bytes"]?.(world);
  const name = (folder: string) =>
    Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from(".txt")]);
  await world.turn((folder) => {
    writeFileSync(name(folder), "agent\n");
    writeAll(folder, { "a line\nbreak.txt": "agent\n", "-rf": "agent\n" });
  });
  const rows = await world.list();
  expect(rows.map(({ path }) => path)).toEqual(["-rf", "a line\nbreak.txt", "caf\\xE9.txt"]);
  await world.services.apply(
    world.wid,
    rows.map(({ id }) => id),
  );
  expect([readFileSync(name(world.top), "utf8"), world.read("a line\nbreak.txt"), world.read("-rf")]).toEqual(
    ["agent\n", "agent\n", "agent\n"],
  );
});

test("a path that fits in the worktree and not in the user's checkout; two names of one file; no plain files", async () => {
  const deep = Array.from({ length: 19 }, () => "d".repeat(200)).join("/");
  const home = mkdtempSync(join(tmpdir(), "hearth-deep-"));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const world = openWorktreeWorld({ "one.txt": "h\n", "pipe.txt": "p\n" }, { top: join(home, deep) });
  onTestFinished(world.close);
  linkSync(join(world.top, "one.txt"), join(world.top, "two.txt"));
  const long = "n".repeat(250);
  await world.turn((folder) => {
    writeAll(folder, { "one.txt": "H\n", "two.txt": "H\n", [`${long}/x`]: "x\n" });
    rmSync(join(folder, "pipe.txt"));
    execFileSync("mkfifo", [join(folder, "pipe.txt")]);
  });
  const rows = await world.list();
  expect(rows.map(({ path }) => path)).toEqual([`${long}/x`, "one.txt", "two.txt"]);
  const ids = rows.map(({ id }) => id);
  const apply = () => world.services.apply(world.wid, ids);
  await expect(apply()).rejects.toMatchObject({
    code: "files_unwritable",
    message: `${long}/x cannot be written: its path is too long for this disk. Nothing was changed.`,
  });
  expect(readdirSync(world.top).sort()).toEqual([".git", "one.txt", "pipe.txt", "two.txt"]);
  await world.services.apply(world.wid, ids.slice(1));
  expect([world.read("one.txt"), world.read("two.txt")]).toEqual(["H\n", "H\n"]);
});

const refused: { [reason: string]: (world: WorktreeWorld) => void } = {
  "a rebase is in progress": (world) => mkdirSync(join(world.top, ".git", "rebase-merge")),
  "a cherry-pick is in progress": (world) =>
    writeFileSync(join(world.top, ".git", "CHERRY_PICK_HEAD"), `${"0".repeat(40)}\n`),
  "(bare)": (world) => {
    world.git("config", "core.bare", "true");
  },
};

test.for(Object.entries(refused))("is refused: %s", async ([reason, make]) => {
  const world = open();
  make(world);
  await expect(world.worktrees.check(world.wid, AbortSignal.timeout(60_000))).rejects.toThrow(reason);
});

test.skipIf(process.getuid?.() !== 0)(
  "somebody else's repository is refused with what allows it",
  async () => {
    const world = open();
    for (const path of [world.top, join(world.top, ".git")]) chownSync(path, 12345, 12345);
    await expect(world.worktrees.check(world.wid, AbortSignal.timeout(60_000))).rejects.toThrow(
      "safe.directory",
    );
  },
);
