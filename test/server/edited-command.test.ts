// A person changes the command that is asked about, and allows that: what runs, what is kept, what is refused.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { ToolCallPart } from "../../src/protocol/message.ts";
import type { Permission } from "../../src/protocol/permission.ts";
import { localConfig } from "../support/home.ts";
import { say, toolResults } from "../support/model-server.ts";
import { expectStreamTellsTheTruth, openWorld, type Terminal, type World } from "../support/world.ts";

const bash = (command: string) => ({ call: "bash", input: { command, timeout_s: 30 } }) as const;
const made = (world: World, path: string) => existsSync(join(world.home.project, path));
const change = (terminal: Terminal, { id }: Permission, command: unknown, decision = "allow_once") =>
  terminal.api.call("POST", terminal.path(`/permissions/${id}`), { body: { decision, input: { command } } });

async function callOf(terminal: Terminal): Promise<ToolCallPart | undefined> {
  const parts = (await terminal.messages()).flatMap((message) => message.parts);
  return parts.find((part) => part.type === "tool_call");
}

test("the changed command runs once, the transcript keeps both and who it was, and the model is told", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const before = await terminal.snapshot();
  world.model.enqueue(say(bash("touch asked")), say("Noted."));
  const { run_id } = await terminal.prompt("make it");
  const question = await terminal.question();
  expect(question.detail).toMatchObject({ type: "command", command: "touch asked", editable: true });
  const answered = await terminal.answer(question, "allow_once", {
    input: { command: "touch mine; echo two" },
  });
  expect(answered).toMatchObject({
    decision: "allow_once",
    answered_by: "only",
    detail: { command: "touch asked", edited: "touch mine; echo two" },
  });
  expect((await terminal.completed(run_id)).outcome).toBe("end_turn");
  expect(made(world, "mine")).toBe(true);
  expect(made(world, "asked")).toBe(false);
  const call = await callOf(terminal);
  expect(call).toMatchObject({
    status: "completed",
    title: "touch mine; echo two",
    input: { command: "touch mine; echo two", timeout_s: 30 },
    edited: { by: "only", input: { command: "touch asked", timeout_s: 30 } },
    view: { kind: "command", command: "touch mine; echo two" },
  });
  const request = await world.model.request(1);
  const [result] = toolResults(request);
  expect(result?.text).toContain("The user changed the command");
  expect(result?.text).toContain("touch mine; echo two");
  expect(result?.text).toContain("two\n");
  // Its own words stay its own.
  const asked = request.body.messages.find((message) => message.role === "assistant");
  expect(JSON.stringify(asked)).toContain("touch asked");
  await expectStreamTellsTheTruth(terminal, before);
  // It was allowed once.
  world.model.enqueue(say(bash("touch mine; echo two")), say("ok"));
  const again = await terminal.prompt("again");
  await terminal.answer(await terminal.question(({ run_id: id }) => id === again.run_id), "deny");
  await terminal.completed(again.run_id);
});

test("a change that is denied, or that reaches what always asks, is refused and nothing is answered", async () => {
  const world = await openWorld({
    config: (url) => ({ ...localConfig(url), permissions: { deny: ["bash(touch forbidden*)"] } }),
  });
  const terminal = await world.terminal("only");
  world.model.enqueue(say(bash("touch asked")), say("ok"));
  const { run_id } = await terminal.prompt("make it");
  const question = await terminal.question();
  for (const command of [
    "touch forbidden",
    "true && touch forbidden2",
    "rm -rf ~",
    "echo x >> .git/config",
  ]) {
    const reply = await change(terminal, question, command);
    expect(reply.status, command).toBe(403);
    expect(reply.json, command).toMatchObject({ error: { code: "command_refused" } });
    expect(reply.text).not.toContain("Do not try");
  }
  expect((await change(terminal, question, "touch mine", "allow_session")).status).toBe(400);
  for (const command of ["", "  \n", "touch \0x", 7]) {
    expect((await change(terminal, question, command)).status, JSON.stringify(command)).toBe(400);
  }
  expect(terminal.events.all("permission.resolved")).toEqual([]);
  expect((await terminal.snapshot()).permissions).toEqual([question]);
  await terminal.answer(question, "allow_once", { input: { command: "touch mine" } });
  await terminal.completed(run_id);
  expect(made(world, "mine")).toBe(true);
  expect(made(world, "forbidden")).toBe(false);
});

test("what is no command cannot be changed", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.enqueue(say({ call: "write", input: { path: "a.txt", content: "a" } }), say("ok"));
  const { run_id } = await terminal.prompt("write it");
  const question = await terminal.question();
  expect(question.detail).not.toHaveProperty("editable");
  const reply = await change(terminal, question, "touch mine");
  expect(reply.status).toBe(400);
  expect(reply.text).toContain("cannot be changed");
  await terminal.answer(question, "deny");
  await terminal.completed(run_id);
});

test("a changed command that was under way when the daemon died is kept as it was changed", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.enqueue(say(bash("touch asked")), say("ok"));
  await terminal.prompt("make it");
  await terminal.answer(await terminal.question(), "allow_once", {
    input: { command: "echo began; sleep 60" },
  });
  await terminal.events.untilAny((event) => JSON.stringify(event).includes("began\\n"), "its output");
  await world.kill();
  await world.restart();
  const after = await world.terminal("after");
  expect(await callOf(after)).toMatchObject({
    status: "interrupted",
    title: "echo began; sleep 60",
    edited: { by: "only", input: { command: "touch asked" } },
  });
  world.model.enqueue(say("Noted."));
  await after.ask("what happened?");
  const [result] = toolResults(world.model.requests.at(-1) as (typeof world.model.requests)[number]);
  expect(result?.text).toContain("echo began; sleep 60");
});
