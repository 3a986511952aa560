// design.md G14 and §9, as clients see them: who is asked, who may answer, what an answer does.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Permission } from "../../src/protocol/permission.ts";
import { eventually } from "../support/happenings.ts";
import { launcher, localConfig } from "../support/home.ts";
import { say, sentText, toolResults } from "../support/model-server.ts";
import { expectStreamTellsTheTruth, openWorld, outline, type World } from "../support/world.ts";

const write = (path: string, content = "hello\n") => ({ call: "write", input: { path, content } }) as const;
const bash = (command: string) => ({ call: "bash", input: { command } }) as const;
const made = (world: World, path: string) => existsSync(join(world.home.project, path));

test("a question is shown in every terminal, the first answer counts, and a second is told whose it was", async () => {
  const world = await openWorld();
  const asker = await world.terminal("asker");
  const before = await asker.snapshot();
  const answerer = await world.terminal("answerer");
  world.model.enqueue(say(write("new.txt")), say("Written."));
  const { run_id } = await asker.prompt("write it");
  const question = await answerer.question();
  expect(question).toMatchObject({
    session_id: world.sid,
    run_id,
    kind: "edit",
    state: "open",
    decision: null,
  });
  expect(JSON.stringify(question.detail)).toContain("hello");
  expect(await asker.question()).toEqual(question);
  expect((await asker.snapshot()).permissions).toEqual([question]);
  const late = await world.terminal("late");
  expect((await late.snapshot()).permissions).toEqual([question]);
  expect(made(world, "new.txt")).toBe(false);

  const answered = await answerer.answer(question, "allow_once");
  expect(answered).toMatchObject({ state: "answered", decision: "allow_once", answered_by: "answerer" });
  const second = await asker.api.call("POST", asker.path(`/permissions/${question.id}`), {
    body: { decision: "deny" },
  });
  expect(second.status).toBe(409);
  expect(second.json).toMatchObject({ error: { code: "already_answered" } });
  expect(second.text).toContain("answerer");
  expect(second.text).toContain("allow_once");
  for (const terminal of [asker, answerer, late]) {
    const resolved = await terminal.events.until("permission.resolved");
    expect(resolved.payload.permission).toMatchObject({ id: question.id, answered_by: "answerer" });
  }
  expect((await asker.completed(run_id)).outcome).toBe("end_turn");
  expect(readFileSync(join(world.home.project, "new.txt"), "utf8")).toBe("hello\n");
  await expectStreamTellsTheTruth(asker, before);
});

test("of many answers at the same instant one counts", async () => {
  const world = await openWorld();
  const terminals = await Promise.all(["a", "b", "c", "d"].map((id) => world.terminal(id)));
  const [first] = terminals;
  if (first === undefined) throw new Error("no terminal");
  world.model.enqueue(say(bash("echo ran >> ran.txt")), say("ok"));
  const { run_id } = await first.prompt("run it");
  const question = await first.question();
  const replies = await Promise.all(
    terminals.flatMap((terminal) =>
      ["allow_once", "deny"].map((decision) =>
        terminal.api.call("POST", terminal.path(`/permissions/${question.id}`), { body: { decision } }),
      ),
    ),
  );
  expect(replies.map((reply) => reply.status).toSorted()).toEqual([200, 409, 409, 409, 409, 409, 409, 409]);
  await first.completed(run_id);
  const won = replies.find((reply) => reply.status === 200)?.json as { permission: Permission } | undefined;
  expect(made(world, "ran.txt")).toBe(won?.permission.decision === "allow_once");
  expect(first.events.all("permission.resolved")).toHaveLength(1);
});

test("a denied call tells the model why, and the turn goes on", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.enqueue(say(bash("rm -f important")), say("Understood."));
  const { run_id } = await terminal.prompt("remove it");
  await terminal.answer(await terminal.question(), "deny", { message: "use git rm instead" });
  expect(await terminal.completed(run_id)).toMatchObject({ outcome: "end_turn", text: "Understood." });
  const [result] = toolResults(await world.model.request(1));
  expect(result?.text).toContain("use git rm instead");
  const call = (await terminal.messages())
    .flatMap((message) => message.parts)
    .find((part) => part.type === "tool_call");
  expect(call).toMatchObject({ status: "denied" });
});

test("a question waits while nobody is attached, and whoever comes may answer it", async () => {
  const world = await openWorld();
  const first = await world.terminal("first");
  world.model.enqueue(say(write("new.txt")), say("Written."));
  const { run_id } = await first.prompt("write it");
  const question = await first.question();
  first.events.drop();
  await eventually(async () => {
    const health = await first.api.expect<{ clients: number }>(200, "GET", "/v1/health");
    return health.clients === 0;
  }, "the terminal to be gone");
  const back = await world.terminal("somebody-else");
  expect((await back.snapshot()).permissions).toEqual([question]);
  await back.answer(question, "allow_once");
  expect((await back.completed(run_id)).outcome).toBe("end_turn");
});

test("reads inside the workspace are free, and outside it they ask in every mode", async () => {
  const world = await openWorld();
  const outside = world.home.folder("project-evil");
  writeFileSync(join(outside, "secret.txt"), "secret\n");
  const terminal = await world.terminal("only");
  world.home.write("a.txt", "alpha\n");
  world.model.enqueue(
    say({ call: "read", input: { path: "a.txt" } }),
    say({ call: "read", input: { path: join(outside, "secret.txt") } }),
    say("ok"),
  );
  const { run_id } = await terminal.prompt("read", { mode: "accept_edits" });
  const question = await terminal.question();
  expect(JSON.stringify(question)).toContain("project-evil");
  expect(toolResults(await world.model.request(1))[0]?.text).toContain("alpha");
  await terminal.answer(question, "deny");
  await terminal.completed(run_id);
  expect(terminal.events.all("permission.requested")).toHaveLength(1);
});

test('"allow for this session" covers what was shown, in this session, and nothing else', async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.enqueue(say(bash("npm test")), say("ok"));
  const first = await terminal.prompt("one");
  await terminal.answer(await terminal.question(), "allow_session");
  await terminal.completed(first.run_id);

  world.model.enqueue(say(bash("npm test")), say("ok"));
  expect((await terminal.ask("the same again")).outcome).toBe("end_turn");
  expect(terminal.events.all("permission.requested")).toHaveLength(1);

  world.model.enqueue(say(bash("npm test; touch made")), say("ok"));
  const third = await terminal.prompt("more than that");
  const question = await terminal.question((permission) => permission.run_id === third.run_id);
  await terminal.answer(question, "deny");
  await terminal.completed(third.run_id);
  expect(made(world, "made")).toBe(false);

  const other = await world.terminal("other", { sid: (await world.createSession()).id });
  world.model.enqueue(say(bash("npm test")), say("ok"));
  const fourth = await other.prompt("in another session");
  await other.answer(await other.question((permission) => permission.run_id === fourth.run_id), "deny");
  await other.completed(fourth.run_id);
});

test('"always" is kept over a restart, and only what the option showed is granted', async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.enqueue(say(bash("npm test")), say("ok"));
  const first = await terminal.prompt("one");
  const question = await terminal.question();
  const always = question.options.find((option) => option.decision === "allow_always");
  expect(always?.rules.length).toBeGreaterThan(0);
  await terminal.answer(question, "allow_always");
  await terminal.completed(first.run_id);
  await world.stop();
  await world.restart();
  const after = await world.terminal("only");
  world.model.enqueue(say(bash("npm test")), say("ok"));
  expect((await after.ask("again")).outcome).toBe("end_turn");
  expect(after.events.all("permission.requested")).toEqual([]);
  world.model.enqueue(say(bash("touch made")), say("ok"));
  const second = await after.prompt("another");
  await after.answer(await after.question(), "deny");
  await after.completed(second.run_id);
});

test("in ask mode every command asks, the harmless ones too", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  for (const command of ["echo one", "pwd", "ls", "true", "git status", "cat a.txt"]) {
    world.model.enqueue(say(bash(command)), say("ok"));
    const { run_id } = await terminal.prompt(`run ${command}`);
    const question = await Promise.race([
      terminal.question((permission) => permission.run_id === run_id),
      terminal.completed(run_id).then(() => undefined),
    ]);
    expect(question?.detail, command).toMatchObject({ type: "command", command });
    if (question) await terminal.answer(question, "deny");
    await terminal.completed(run_id);
  }
});

test("plan mode writes nothing and runs nothing, and asks nobody", async () => {
  const world = await openWorld({ session: { mode: "plan" } });
  const terminal = await world.terminal("only");
  world.model.enqueue(say(write("new.txt")), say(bash("touch made")), say("Here is a plan."));
  expect((await terminal.ask("do it")).outcome).toBe("end_turn");
  expect(made(world, "new.txt")).toBe(false);
  expect(made(world, "made")).toBe(false);
  expect(terminal.events.all("permission.requested")).toEqual([]);
  expect(sentText(await world.model.request(2))).toMatch(/plan/i);
});

test("accept_edits lets edits of the workspace through and still asks for commands", async () => {
  const world = await openWorld({ session: { mode: "accept_edits" } });
  const terminal = await world.terminal("only");
  world.model.enqueue(say(write("new.txt")), say(bash("touch made")), say("ok"));
  const { run_id } = await terminal.prompt("go");
  const question = await terminal.question();
  expect(question.kind).toBe("execute");
  expect(made(world, "new.txt")).toBe(true);
  await terminal.answer(question, "allow_once");
  await terminal.completed(run_id);
  expect(made(world, "made")).toBe(true);
});

test("yolo asks nobody, but for hearth's own files and for a catastrophe", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  world.model.enqueue(say(bash("touch made")), say("ok"));
  await terminal.ask("go");
  expect(made(world, "made")).toBe(true);
  expect(terminal.events.all("permission.requested")).toEqual([]);
  const config = join(world.home.dir, "config", "hearth.jsonc");
  world.home.write(".git/config", "[core]\n");
  const before = readFileSync(config, "utf8");
  const asking = [
    { call: "write", input: { path: ".git/hooks/pre-commit", content: "#!/bin/sh" } },
    { call: "write", input: { path: join(world.home.dir, "config", "AGENTS.md"), content: "obey" } },
    { call: "write", input: { path: join(world.home.env["HOME"] ?? "", ".bashrc"), content: "x" } },
    { call: "read", input: { path: config } },
    bash(`cat ${world.home.database}`),
    bash(`cp /dev/null ${config}`),
    bash(`curl --unix-socket ${world.home.socket} http://localhost/v1/health`),
    bash(`${launcher} daemon stop`),
    bash("echo x >> .git/config"),
    bash("rm -rf /"),
    bash("rm -rf ~"),
    bash("rm -rf ../.."),
  ];
  for (const [index, call] of asking.entries()) {
    world.model.enqueue(say(call), say("ok"));
    const { run_id } = await terminal.prompt(`dangerous ${index}`);
    const question = await Promise.race([
      terminal.question((permission) => permission.run_id === run_id),
      terminal.completed(run_id).then(() => undefined),
    ]);
    expect(question, JSON.stringify(call)).toBeDefined();
    if (question) await terminal.answer(question, "deny");
    await terminal.completed(run_id);
  }
  expect(readFileSync(config, "utf8")).toBe(before);
});

test("a rule that denies wins over one that allows, and over yolo", async () => {
  const world = await openWorld({
    session: { mode: "yolo" },
    config: (url) => ({ ...localConfig(url), permissions: { allow: ["bash(*)"], deny: ["bash(touch *)"] } }),
  });
  const terminal = await world.terminal("only");
  for (const command of [
    "touch made",
    "true; touch made",
    "echo $(touch made)",
    "sh -c 'touch made'",
    "env touch made",
  ]) {
    world.model.enqueue(say(bash(command)), say("ok"));
    const { run_id } = await terminal.prompt(`try ${command}`);
    const question = await Promise.race([
      terminal.question((permission) => permission.run_id === run_id),
      terminal.completed(run_id).then(() => undefined),
    ]);
    if (question) await terminal.answer(question, "deny");
    await terminal.completed(run_id);
    expect(made(world, "made"), command).toBe(false);
  }
});

test("a question of one workspace cannot be answered through another, nor one that never was", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const elsewhere = await world.openWorkspace(world.home.folder("elsewhere"));
  world.model.enqueue(say(write("new.txt")), say("ok"));
  const { run_id } = await terminal.prompt("write");
  const question = await terminal.question();
  const through = (wid: string, pid: string, body: object) =>
    terminal.api.call("POST", `/v1/workspaces/${wid}/permissions/${pid}`, { body });
  expect((await through(elsewhere.id, question.id, { decision: "allow_once" })).status).toBe(404);
  expect((await through(world.wid, `prm_${"0".repeat(32)}`, { decision: "allow_once" })).status).toBe(404);
  expect((await through(world.wid, question.id, { decision: "maybe" })).status).toBe(400);
  expect((await through(world.wid, question.id, {})).status).toBe(400);
  expect(made(world, "new.txt")).toBe(false);
  await terminal.answer(question, "deny");
  await terminal.completed(run_id);
});

test("a run that nobody can answer for ends with permission_needed, or is denied, as its prompt says", async () => {
  const world = await openWorld();
  const headless = await world.terminal("headless", { kind: "headless" });
  world.model.enqueue(say(write("new.txt")));
  const failing = await headless.ask("write", { on_question: "fail" });
  expect(failing).toMatchObject({ outcome: "error", error: { code: "permission_needed" } });
  world.model.enqueue(say(write("new.txt")), say("I could not."));
  const denied = await headless.ask("write", { on_question: "deny" });
  expect(denied).toMatchObject({ outcome: "end_turn", text: "I could not." });
  expect(made(world, "new.txt")).toBe(false);
  expect(outline(await headless.messages())).toContain("assistant: end_turn");
});

test('with a terminal attached that can answer, a headless run whose policy is "fail" waits for it', async () => {
  const world = await openWorld();
  const headless = await world.terminal("headless", { kind: "headless" });
  const person = await world.terminal("person");
  world.model.enqueue(say(write("new.txt")), say("ok"));
  const { run_id } = await headless.prompt("write", { on_question: "fail" });
  await person.answer(await person.question(), "allow_once");
  expect((await headless.completed(run_id)).outcome).toBe("end_turn");
  expect(made(world, "new.txt")).toBe(true);
});
