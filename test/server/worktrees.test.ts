import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Change } from "../../src/protocol/change.ts";
import { createGate } from "../support/happenings.ts";
import { localConfig } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { startScriptedAcp } from "../support/scripted-acp.ts";
import { gitIn, writeAll } from "../support/worktree-world.ts";
import { openWorld, sawText } from "../support/world.ts";

test("a session in a worktree: its agent edits there, its changes are applied here, and it is reaped", async () => {
  const world = await openWorld({
    prepare(home) {
      writeAll(home.project, { "a.txt": "a\n", "b.txt": "b\n" });
      const git = gitIn(home.project);
      git("init", "-q", "-b", "main");
      git("add", "-A");
      git("commit", "-q", "-m", "first");
    },
  });
  const git = gitIn(world.home.project);
  const { id: sid } = await world.createSession({ isolation: "worktree", mode: "yolo" });
  const terminal = await world.terminal("judge", { sid });
  world.model.enqueue(
    say(
      { call: "write", input: { path: "note.txt", content: "agent\n" } },
      { call: "bash", input: { command: "echo shell > a.txt; pwd; git status --short" } },
    ),
    say("done"),
  );
  const run = await terminal.ask("change it");
  expect(run.outcome).toBe("end_turn");
  expect(readFileSync(join(world.home.project, "a.txt"), "utf8")).toBe("a\n");
  expect(git("status", "--porcelain")).toBe("");
  // What a person names or runs is the session's, too.
  const named = (of: object) =>
    terminal.api.call("GET", terminal.path("/files"), { query: { query: "note", ...of } });
  expect((await named({ session_id: sid })).json).toMatchObject({ files: ["note.txt"] });
  expect((await named({})).json).toMatchObject({ files: [] });
  await terminal.ask("cat note.txt", { agent: "shell" });
  expect(JSON.stringify((await terminal.messages()).at(-1))).toContain('"output":"agent');
  const session = await terminal.session();
  expect([session.isolation, session.pending_changes]).toEqual(["worktree", 2]);
  expect(terminal.events.all("changes.updated").at(-1)?.payload).toEqual({
    session_id: sid,
    pending: 2,
  });
  const list = async (of = terminal) =>
    (await of.api.expect<{ changes: Change[] }>(200, "GET", of.path(`/changes?session_id=${sid}`))).changes;
  const changes = await list();
  expect(changes.map(({ path, agent, run_id, kind }) => [path, agent, run_id, kind])).toEqual([
    ["a.txt", "hearth", run.run_id, "modified"],
    ["note.txt", "hearth", run.run_id, "added"],
  ]);

  const refused = await terminal.api.call("DELETE", terminal.path(`/sessions/${sid}`));
  expect([refused.status, refused.json]).toMatchObject([
    409,
    { error: { code: "changes_pending", details: { pending: 2, paths: ["a.txt", "note.txt"] } } },
  ]);
  await world.kill();
  await world.restart();
  const later = await world.terminal("later", { sid });
  const id = (path: string) => changes.find((change) => change.path === path)?.id;
  await later.api.expect(200, "POST", later.path("/changes/apply"), { body: { ids: [id("a.txt")] } });
  await later.api.expect(200, "POST", later.path(`/changes/${id("note.txt")}/reject`));
  expect(git("status", "--porcelain")).toBe(" M a.txt\n");
  expect((await later.session()).pending_changes).toBe(0);

  // What is written to the checkout during a turn is told, but not what was applied by hearth.
  const gate = createGate();
  world.model.enqueue(
    say({ call: "bash", input: { command: "echo shell > c.txt" } }),
    say("Looking.", { until: gate.passed }, "Done."),
  );
  const looking = await later.prompt("look");
  await sawText(later, "Looking.");
  writeAll(world.home.project, { "b.txt": "somebody\n" });
  gate.open();
  await later.completed(looking.run_id);
  const notices = (await later.messages()).flatMap(({ parts }) =>
    parts.filter((part) => part.type === "notice" && part.code === "wrote_outside"),
  );
  expect(notices).toMatchObject([{ text: expect.stringMatching(/changed during this turn: b\.txt\. If/) }]);
  writeAll(world.home.project, { "b.txt": "b\n" });
  const [made] = (await list(later)).filter(({ state }) => state === "pending");
  await later.api.expect(200, "POST", later.path(`/changes/${made?.id}/reject`));

  const folder = join(world.home.dir, "data", "worktrees");
  expect(readdirSync(folder)).toHaveLength(1);
  await later.api.expect(200, "DELETE", later.path(`/sessions/${sid}`));
  await expect
    .poll(
      () => [
        existsSync(folder) && readdirSync(folder).length,
        git("worktree", "list").trim().split("\n").length,
        git("branch", "--list", "hearth/*"),
      ],
      { timeout: 60_000 },
    )
    .toEqual([0, 1, ""]);

  const other = world.home.folder("plain");
  const { id: wid } = await world.openWorkspace(other);
  const none = await later.api.call("POST", `/v1/workspaces/${wid}/sessions`, {
    body: { isolation: "worktree" },
  });
  expect([none.status, none.json]).toMatchObject([
    400,
    { error: { code: "isolation_unavailable", message: expect.stringContaining("not in a git repository") } },
  ]);
});

test("another agent in the same worktree: its turn's files are its own from then on, and a person takes them or not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "two-agents-"));
  const acp = await startScriptedAcp(folder);
  onTestFinished(async () => {
    await acp.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const world = await openWorld({
    config: (url) => ({
      ...localConfig(url),
      agents: { mine: { backend: "acp", command: acp.command, env: acp.env } },
    }),
    prepare(home) {
      writeAll(home.project, { "a.txt": "a\n", "b.txt": "b\n" });
      const git = gitIn(home.project);
      git("init", "-q", "-b", "main");
      git("add", "-A");
      git("commit", "-q", "-m", "first");
    },
  });
  const { id: sid } = await world.createSession({ isolation: "worktree", mode: "yolo" });
  const terminal = await world.terminal("judge", { sid });
  const rows = async () =>
    (
      await terminal.api.expect<{ changes: Change[] }>(
        200,
        "GET",
        terminal.path(`/changes?session_id=${sid}`),
      )
    ).changes;
  const whose = async () => (await rows()).map(({ path, agent }) => `${path} ${agent}`);
  world.model.enqueue(
    say({ call: "bash", input: { command: "echo one >> a.txt; echo one >> b.txt" } }),
    say("Done."),
  );
  await terminal.ask("both");
  expect(await whose()).toEqual(["a.txt hearth", "b.txt hearth"]);
  acp.nextTurn({ deeds: [{ do: "own_shell", command: "echo two >> b.txt; echo new > c.txt" }] });
  await terminal.ask("go on", { agent: "mine" });
  expect(await whose()).toEqual(["a.txt hearth", "b.txt mine", "c.txt mine"]);
  expect(existsSync(join(world.home.project, "c.txt"))).toBe(false);
  const mine = (await rows()).filter(({ agent }) => agent === "mine").map(({ id }) => id);
  await terminal.api.expect(200, "POST", terminal.path("/changes/apply"), { body: { ids: mine } });
  const read = (name: string) => readFileSync(join(world.home.project, name), "utf8");
  expect([read("a.txt"), read("b.txt"), read("c.txt")]).toEqual(["a\n", "b\none\ntwo\n", "new\n"]);
});

test("what an agent over ACP did in place is taken back and brought back", async () => {
  const folder = mkdtempSync(join(tmpdir(), "acp-undo-"));
  const acp = await startScriptedAcp(folder);
  onTestFinished(async () => {
    await acp.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const world = await openWorld({
    config: (url) => ({
      ...localConfig(url),
      agents: { mine: { backend: "acp", command: acp.command, env: acp.env } },
    }),
    session: { agent: "mine", mode: "yolo" },
  });
  const terminal = await world.terminal("judge");
  world.home.write("a.txt", "a\n");
  const read = () => readFileSync(join(world.home.project, "a.txt"), "utf8");
  acp.nextTurn({ deeds: [{ do: "own_shell", command: "echo theirs >> a.txt" }] });
  await terminal.ask("change it");
  expect(read()).toBe("a\ntheirs\n");
  await terminal.api.expect(200, "POST", terminal.path(`/sessions/${terminal.sid}/undo`));
  expect(read()).toBe("a\n");
  await terminal.api.expect(200, "POST", terminal.path(`/sessions/${terminal.sid}/redo`));
  expect(read()).toBe("a\ntheirs\n");
});
