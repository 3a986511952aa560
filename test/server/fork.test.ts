import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import type { Message } from "../../src/protocol/message.ts";
import type { ForkedFiles, Session } from "../../src/protocol/session.ts";
import { say } from "../support/model-server.ts";
import { gitIn, writeAll } from "../support/worktree-world.ts";
import { openWorld, type World } from "../support/world.ts";

type Forked = { session: Session; files?: ForkedFiles };

const bash = (world: World, command: string) =>
  world.model.enqueue(say({ call: "bash", input: { command } }), say("done"));

/** Where the fork's agents work. */
function folderOf(world: World, { id }: Session): string {
  const folder = join(dirname(world.home.database), "worktrees", id.slice("ses_".length, "ses_".length + 8));
  return join(folder, readdirSync(folder).find((name) => name === "project") ?? "missing");
}

const idOf = (messages: readonly Message[], role: Message["role"], nth: number): string =>
  messages.filter((message) => message.role === role).at(nth)?.id ?? "";

test("a fork has the files as they were at a message, in a worktree of its own, and the tree here stays as it is", async () => {
  const world = await openWorld({
    session: { mode: "yolo" },
    prepare(home) {
      writeAll(home.project, {
        "a.txt": "one\n",
        "sub/b.txt": "b\n",
        "gone.txt": "gone\n",
        ".gitignore": "*.log\n",
        "kept.log": "tracked, and ignored\n",
      });
      const git = gitIn(home.project);
      git("init", "-q", "-b", "main");
      git("add", "-A", "-f");
      git("commit", "-q", "-m", "first");
      writeAll(home.project, { "own.txt": "not committed\n", "big.bin": Buffer.alloc(17 * 1024 * 1024) });
    },
  });
  const git = gitIn(world.home.project);
  const terminal = await world.terminal("first");
  const { api } = terminal;
  const fork = (body: Record<string, unknown>) =>
    api.call("POST", terminal.path(`/sessions/${terminal.sid}/fork`), { body });

  bash(world, "printf 'two\\n' > a.txt; rm gone.txt sub/b.txt; rmdir sub; echo file > sub; ln -s a.txt link");
  await terminal.ask("first turn");
  bash(world, "printf 'three\\n' > a.txt; rm sub link own.txt; chmod +x kept.log; echo new > new.txt");
  await terminal.ask("second turn");
  git("add", "-A", ":!big.bin");
  const ann = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"];
  execFileSync("git", [...ann, "commit", "-q", "-m", "later"], {
    cwd: world.home.project,
    env: { ...world.home.env, GIT_COMMITTER_DATE: "@4000000000 +0000" },
  });
  writeFileSync(join(world.home.project, "a.txt"), "by hand\n");
  const here = git("status", "--porcelain");
  const messages = await terminal.messages();

  const second = (await fork({ message_id: idOf(messages, "user", 1), before: true, files: "then" }))
    .json as Forked;
  expect(second.session).toMatchObject({
    isolation: "worktree",
    parent_id: terminal.sid,
    pending_changes: 0,
  });
  expect(second.files).toMatchObject({ state: "recorded", note: null });
  expect(second.files?.left_out).toEqual([{ path: "big.bin", reason: "larger than 16 MB" }]);
  const folder = folderOf(world, second.session);
  const read = (name: string) => readFileSync(join(folder, name), "utf8");
  expect(readdirSync(folder).sort()).toEqual(
    [".git", ".gitignore", "a.txt", "kept.log", "link", "own.txt", "sub"].sort(),
  );
  expect([read("a.txt"), read("link"), read("own.txt"), read("sub")]).toEqual([
    "two\n",
    "two\n",
    "not committed\n",
    "file\n",
  ]);
  // From the commit of that time, so that a merge of its branch takes nothing back.
  expect(gitIn(folder)("log", "--format=%s").trim()).toBe("first");

  const middle = await fork({ message_id: idOf(messages, "assistant", 0), files: "then" });
  expect(middle).toMatchObject({ status: 409, json: { error: { code: "files_unavailable" } } });

  // What the fork's agent does waits there, and goes into the files here without what came later.
  const other = await world.terminal("second", { sid: second.session.id });
  const copied = await other.messages();
  expect(copied.length).toBe(messages.findIndex(({ id }) => id === idOf(messages, "user", 1)));
  bash(world, "echo more > more.txt");
  await other.ask("go on");
  const { changes } = await api.expect<{ changes: { path: string; id: string }[] }>(
    200,
    "GET",
    terminal.path(`/changes?session_id=${second.session.id}`),
  );
  expect(changes.map(({ path }) => path)).toEqual(["more.txt"]);
  expect(git("status", "--porcelain")).toBe(here);

  // A copied message's files are not the copy's.
  const again = await api.call("POST", terminal.path(`/sessions/${second.session.id}/fork`), {
    body: { message_id: copied[0]?.id, files: "then" },
  });
  expect(again).toMatchObject({ status: 409, json: { error: { code: "files_unavailable" } } });
});
