// What an agent asks a person: in every terminal, answered once, withdrawn with its run, told when nobody is there.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { say, toolResults } from "../support/model-server.ts";
import { expectStreamTellsTheTruth, openWorld } from "../support/world.ts";

const ask = {
  call: "ask",
  input: { question: "Which colour?", choices: ["red", { label: "blue" }] },
} as const;
const nobody = "Nobody is there to answer.";

test("what the model asks is answered in any terminal, in words, and withdrawn with its run", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const asker = await world.terminal("asker");
  const before = await asker.snapshot();
  const other = await world.terminal("other");
  world.model.enqueue(say(ask), say("Blue it is."));
  const { run_id } = await asker.prompt("paint");
  // No mode answers for a person, not even yolo.
  const question = await other.question();
  expect(question).toMatchObject({
    title: "Which colour?",
    detail: { type: "question", question: "Which colour?", choices: [{ label: "red" }, { label: "blue" }] },
    options: [{ decision: "allow_once" }, { decision: "deny" }],
  });
  expect((await asker.snapshot()).permissions).toEqual([question]);
  expect((await asker.session()).state).toBe("waiting");
  const path = other.path(`/permissions/${question.id}`);
  const wordless = await other.api.call("POST", path, { body: { decision: "allow_once" } });
  expect(wordless.status).toBe(400);
  expect(wordless.text).toContain(
    'message: it needs the answer: one of \\"red\\", \\"blue\\", or other words',
  );
  await other.answer(question, "allow_once", { message: "a dark blue" });
  expect((await asker.api.call("POST", path, { body: { decision: "deny" } })).status).toBe(409);
  expect((await asker.completed(run_id)).outcome).toBe("end_turn");
  expect(toolResults(await world.model.request(1))[0]?.text).toBe("The user answered: a dark blue");

  world.model.enqueue(say(ask), say("I leave it."));
  const { run_id: second } = await asker.prompt("again");
  await other.answer(await other.question(({ run_id }) => run_id === second), "deny");
  await asker.completed(second);
  expect(toolResults(await world.model.request(3)).at(-1)?.text).toContain("The user did not answer.");

  world.model.enqueue(say(ask));
  const { run_id: third } = await asker.prompt("and again");
  const open = await asker.question(({ run_id }) => run_id === third);
  await asker.cancel();
  await asker.completed(third);
  const resolved = await other.events.until(
    "permission.resolved",
    ({ payload }) => payload.permission.id === open.id,
  );
  expect(resolved.payload.permission.state).toBe("canceled");
  await expectStreamTellsTheTruth(asker, before);
});

test("plan mode is left only by a person who approves the plan, for the mode that they choose", async () => {
  const world = await openWorld({ session: { mode: "plan" } });
  const terminal = await world.terminal("asker");
  const text = "# The plan\n1. Write new.txt";
  const propose = { call: "plan", input: { proposal: text } } as const;
  const write = { call: "write", input: { path: "new.txt", content: "x" } } as const;
  world.model.enqueue(say(propose), say(write), say({ call: "ExitPlanMode", input: { plan: text } }));
  world.model.enqueue(say(write), say("Written."));
  const { run_id } = await terminal.prompt("plan it");
  const first = await terminal.question();
  expect(first).toMatchObject({ kind: "switch_mode", detail: { type: "plan", text } });
  await terminal.answer(first, "deny", { message: "shorter" });
  const second = await terminal.question(({ id }) => id !== first.id);
  expect((await terminal.session()).mode).toBe("plan");
  await terminal.answer(second, "allow_session");
  expect((await terminal.completed(run_id)).outcome).toBe("end_turn");
  const told = toolResults(await world.model.request(4)).map((result) => result.text);
  expect(told[0]).toContain("The user sent the plan back: shorter");
  expect(told[1]).toContain("Not allowed");
  expect(told[2]).toContain("The user approved the plan, and plan mode is over");
  expect((await terminal.session()).mode).toBe("accept_edits");
  expect(existsSync(join(world.home.project, "new.txt"))).toBe(true);
  // A prompt in a plan mode of its own: its run leaves it, the session's mode stays.
  const other = { call: "write", input: { path: "other.txt", content: "y" } } as const;
  world.model.enqueue(say(propose), say(other), say("Written."));
  const { run_id: own } = await terminal.prompt("again", { mode: "plan" });
  await terminal.answer(await terminal.question((question) => question.run_id === own), "allow_once");
  const change = await terminal.question(({ run_id, detail }) => run_id === own && detail.type === "edit");
  await terminal.answer(change, "allow_once");
  expect((await terminal.completed(own)).outcome).toBe("end_turn");
  expect((await terminal.session()).mode).toBe("accept_edits");
});

test("a headless run is told that nobody can answer, and goes on", async () => {
  const world = await openWorld();
  const headless = await world.terminal("headless", { kind: "headless" });
  world.model.enqueue(say(ask), say("I took red."));
  expect(await headless.ask("paint", { on_question: "fail" })).toMatchObject({
    outcome: "end_turn",
    text: "I took red.",
  });
  expect(toolResults(await world.model.request(1))[0]?.text).toContain(nobody);
  // Somebody comes, is asked, and leaves without an answer.
  const { events } = await world.terminal("guest");
  world.model.enqueue(say(ask), say("I took blue."));
  const { run_id } = await headless.prompt("again", { on_question: "fail" });
  await headless.question((question) => question.run_id === run_id);
  events.drop();
  expect((await headless.completed(run_id)).text).toBe("I took blue.");
  expect(toolResults(await world.model.request(3)).at(-1)?.text).toContain(nobody);
});
