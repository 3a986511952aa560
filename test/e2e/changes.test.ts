// `hearth undo|redo` and `hearth changes …`, built and run as a person at a shell would run them.
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Change } from "../../src/protocol/change.ts";
import type { Undone } from "../../src/protocol/undo.ts";
import { type CliResult, runHearth } from "../support/cli.ts";
import { openWarmCliWorld } from "../support/cli-world.ts";
import { say } from "../support/model-server.ts";
import { gitIn, writeAll } from "../support/worktree-world.ts";

/** A shell in the project, and an agent that carries out the prompt as a command. */
async function openShell() {
  const { home, model } = await openWarmCliWorld();
  const hearth = (...args: string[]): Promise<CliResult> => runHearth(home, args);
  const work = async (command: string, ...more: string[]) => {
    model.enqueue(say({ call: "bash", input: { command } }), say("Done."));
    const ran = await hearth("run", "--permission-mode", "yolo", ...more, command);
    expect(ran.code, ran.stderr).toBe(0);
  };
  const json = async <T>(...args: string[]): Promise<T> => {
    const said = await hearth(...args, "--json");
    expect([said.code, said.stderr]).toEqual([0, ""]);
    return JSON.parse(said.stdout) as T;
  };
  const read = (path: string) => readFileSync(join(home.project, path), "utf8");
  return { home, hearth, work, json, read };
}

/** Whatever is in a folder of loose objects, damaged as a broken disk may damage it. */
function removeObjects(folder: string) {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }))
    if (/(^|\/)objects\/[0-9a-f]{2}$/.test(name) && statSync(join(folder, name)).isDirectory())
      rmSync(join(folder, name), { recursive: true });
}

test("undo and redo from a shell: shown first, done, refused where a file was changed since", async () => {
  const { home, hearth, work, json, read } = await openShell();
  writeAll(home.project, { "a.txt": "old\n" });
  await work("echo new > a.txt; echo more > b.txt");

  const preview = await hearth("undo", "--dry-run");
  expect(preview).toMatchObject({ code: 0, stderr: "" });
  expect(preview.stdout).toBe(
    "Would take back: 1 turn, 2 files\n  > echo new > a.txt; echo more > b.txt\n  ~ a.txt\n  - b.txt\n",
  );
  expect(read("a.txt")).toBe("new\n");

  writeAll(home.project, { "b.txt": "mine\n" });
  const refused = await hearth("undo");
  expect(refused).toMatchObject({ code: 1, stdout: "" });
  expect(refused.stderr).toMatch(/^hearth: Nothing was changed: .*b\.txt/);
  expect([read("a.txt"), read("b.txt")]).toEqual(["new\n", "mine\n"]);

  writeAll(home.project, { "b.txt": "more\n" });
  expect(await json<Undone>("undo")).toMatchObject({ conversation: true, files: [{}, {}] });
  expect([read("a.txt"), existsSync(join(home.project, "b.txt"))]).toEqual(["old\n", false]);
  expect(await hearth("undo")).toMatchObject({ code: 1, stdout: "" });
  expect((await hearth("redo")).stdout).toMatch(/^Brought back: 1 turn, 2 files\n/);
  expect([read("a.txt"), read("b.txt")]).toEqual(["new\n", "more\n"]);
  expect((await hearth("undo", "files")).stdout).toMatch(/^Taken back: 2 files\n/);
  expect(await hearth("undo", "everything")).toMatchObject({ code: 2 });

  // One damaged checkpoint must not hide what the session changed otherwise.
  await work("echo third > c.txt");
  removeObjects(join(home.dir, "data/checkpoints"));
  await hearth("daemon", "restart");
  const [session] = await json<{ id: string }[]>("sessions", "list");
  const listed = await hearth("changes", "list", "--all", "--session", session?.id ?? "");
  expect(listed).toMatchObject({ code: 0, stdout: "No changes wait.\n" });
  expect(listed.stderr).toContain("cannot be read: a checkpoint is damaged.");
});

test("changes of a worktree are listed, shown, applied, reverted, rejected, exported and committed", async () => {
  const { home, hearth, work, json, read } = await openShell();
  const git = gitIn(home.project);
  git("init", "-q", "-b", "main");
  writeAll(home.project, { "a.txt": "one\ntwo\n", "b.txt": "b\n" });
  git("add", ".");
  git("commit", "-q", "-m", "first");
  await work("echo three >> a.txt; echo B > b.txt; echo c > c.txt", "--isolation", "worktree");
  expect(read("a.txt")).toBe("one\ntwo\n");

  const listed = await json<Change[]>("changes", "list");
  expect(listed.map(({ path, agent, state }) => [path, agent, state])).toEqual([
    ["a.txt", "hearth", "pending"],
    ["b.txt", "hearth", "pending"],
    ["c.txt", "hearth", "pending"],
  ]);
  expect((await hearth("changes", "list")).stdout.split("\n")[1]).toMatch(/^chg_\w{8} +ses_\w{8} .* a\.txt$/);
  const shown = await hearth("changes", "show", "a.txt");
  expect(shown.stdout).toMatch(/^@@ .* @@ \[\w+\]$/m);
  expect(shown.stdout).toContain("+three");
  const { stdout: patch } = await hearth("changes", "export");
  expect(execFileSync("git", ["apply", "--check", "-"], { cwd: home.project, input: patch }).length).toBe(0);

  expect(await hearth("changes", "apply", "a.txt")).toMatchObject({ stdout: "Applied 1 file: a.txt\n" });
  expect([read("a.txt"), read("b.txt")]).toEqual(["one\ntwo\nthree\n", "b\n"]);
  expect(await hearth("changes", "revert", "a.txt")).toMatchObject({ stdout: "Reverted 1 file: a.txt\n" });
  expect(read("a.txt")).toBe("one\ntwo\n");

  writeAll(home.project, { "b.txt": "mine\n" });
  const conflict = await hearth("changes", "apply", "--all");
  expect(conflict).toMatchObject({ code: 1, stdout: "" });
  expect(conflict.stderr).toMatch(/b\.txt: .*--resolve theirs/s);
  expect([read("b.txt"), existsSync(join(home.project, "c.txt"))]).toEqual(["mine\n", false]);
  expect((await hearth("changes", "apply", "--all", "--resolve", "ours")).code).toBe(0);
  expect([read("b.txt"), read("c.txt")]).toEqual(["mine\n", "c\n"]);
  expect(await hearth("changes", "apply", "nowhere.txt")).toMatchObject({ code: 2 });

  await work("echo d > d.txt", "--continue");
  expect(await hearth("changes", "reject", "d.txt")).toMatchObject({ stdout: "Rejected 1 file: d.txt\n" });
  const made = await json<{ branch: string }>("changes", "branch", "-m", "the agent's work");
  expect(git("log", "-1", "--format=%s", made.branch)).toBe("the agent's work\n");
});
