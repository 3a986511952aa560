// design.md G1, G2, G3: what a 202 means, and what its absence means.
import Database from "better-sqlite3";
import { expect, test } from "vitest";
import { createGate } from "../support/happenings.ts";
import { localConfig } from "../support/home.ts";
import { lastPrompt, refuse, say, sentText, silence } from "../support/model-server.ts";
import { chosenRunId, lastAnswer, openWorld, outline } from "../support/world.ts";

type ErrorBody = { error: { code: string; message: string; details: Record<string, unknown> } };

test("a 202 comes while the model is silent, and the prompt is in the store and in the transcript by then", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.script(silence);
  const reply = await terminal.prompt("hello");
  const db = new Database(world.home.database, { readonly: true });
  const row = db.prepare("SELECT id, state, message_id FROM runs").get();
  db.close();
  expect(row).toMatchObject({ id: reply.run_id, message_id: reply.message_id });
  expect(outline(await terminal.messages())[0]).toBe("user: hello");
  expect(reply).toMatchObject({ queue_position: 0 });
  expect(["accepted", "active"]).toContain(reply.state);
  await terminal.cancel();
});

test("a prompt posted again under its run id answers the same and runs once, however often and from whomever", async () => {
  const world = await openWorld();
  const one = await world.terminal("one");
  const two = await world.terminal("two");
  const run_id = chosenRunId();
  const gate = createGate();
  world.model.script(() => say("x", { until: gate.passed }));
  const replies = await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 ? one : two).prompt("hello", { run_id })),
  );
  expect(new Set(replies.map((reply) => reply.message_id)).size).toBe(1);
  expect(new Set(replies.map((reply) => reply.run_id))).toEqual(new Set([run_id]));
  gate.open();
  await one.completed(run_id);
  const late = await two.prompt("hello", { run_id });
  expect(late.message_id).toBe(replies[0]?.message_id);
  expect((await one.ask("next")).outcome).toBe("end_turn");
  expect(outline(await one.messages())).toEqual([
    "user: hello",
    "assistant: end_turn",
    "user: next",
    "assistant: end_turn",
  ]);
  expect(world.model.requests).toHaveLength(2);
});

test("a run id that already names another prompt, session or attachment is a conflict and changes nothing", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const other = await world.createSession();
  const run_id = chosenRunId();
  await terminal.prompt("hello", { run_id });
  await terminal.completed(run_id);
  const attachment = { name: "a.txt", media_type: "text/plain", data: Buffer.from("x").toString("base64") };
  for (const body of [
    { session_id: world.sid, prompt: "hello!", run_id },
    { session_id: other.id, prompt: "hello", run_id },
    { session_id: world.sid, prompt: "hello", run_id, attachments: [attachment] },
  ]) {
    const reply = await terminal.api.call("POST", terminal.path("/agent"), { body });
    expect([reply.status, (reply.json as ErrorBody).error.code]).toEqual([409, "run_id_conflict"]);
  }
  expect(await terminal.runs()).toHaveLength(1);
});

test("what is not accepted leaves no trace", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const before = await terminal.snapshot();
  const post = (body: object) => terminal.api.call("POST", terminal.path("/agent"), { body });
  const refusals: [object, number, string][] = [
    [{ session_id: world.sid, prompt: "" }, 400, "empty_prompt"],
    [{ session_id: world.sid, prompt: " \n\t " }, 400, "empty_prompt"],
    [{ session_id: world.sid }, 400, "invalid_request"],
    [{ prompt: "hello" }, 400, "invalid_request"],
    [{ session_id: world.sid, prompt: 7 }, 400, "invalid_request"],
    [{ session_id: world.sid, prompt: "hello", run_id: "mine" }, 400, "invalid_request"],
    [{ session_id: world.sid, prompt: "hello", delivery: "express" }, 400, "invalid_request"],
    [{ session_id: world.sid, prompt: "hello", mode: "root" }, 400, "invalid_request"],
    [{ session_id: `ses_${"0".repeat(32)}`, prompt: "hello" }, 404, "session_not_found"],
  ];
  for (const [body, status, code] of refusals) {
    const reply = await post(body);
    expect([body, reply.status, (reply.json as ErrorBody).error.code]).toEqual([body, status, code]);
  }
  const after = await terminal.snapshot();
  expect(after.messages).toEqual(before.messages);
  expect(after.sessions).toEqual(before.sessions);
  expect(after.runs).toEqual([]);
  expect(terminal.events.all("message.created")).toEqual([]);
  expect(world.model.requests).toEqual([]);
});

test("what fails after the 202 and before the first model call is a run that ends error, stored and shown", async () => {
  const world = await openWorld({ config: (url) => ({ ...localConfig(url), model: "local/big" }) });
  const terminal = await world.terminal("only");
  const { run_id } = await terminal.prompt("hello", { model: "nowhere/none" });
  const end = await terminal.completed(run_id);
  expect(end.outcome).toBe("error");
  expect(end.error?.code).toBe("model_unavailable");
  expect(end.error?.message).toContain("nowhere");
  expect(outline(await terminal.messages())).toEqual(["user: hello", "assistant: error"]);
  expect((await terminal.ask("again")).outcome).toBe("end_turn");
  expect(world.model.requests).toHaveLength(1);
});

test("a prompt queued behind a failing run runs", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  const gate = createGate();
  world.model.enqueue({ ...refuse(400, "the prompt is nonsense"), after: gate.passed });
  const first = await terminal.prompt("first");
  await world.model.request(0);
  const second = await terminal.prompt("second");
  gate.open();
  const end = await terminal.completed(first.run_id);
  expect(end).toMatchObject({ outcome: "error" });
  expect(end.error?.message).toContain("the prompt is nonsense");
  expect(await terminal.completed(second.run_id)).toMatchObject({ outcome: "end_turn", text: "Done." });
  expect(lastAnswer(await terminal.messages()).finish).toBe("end_turn");
});

test("prompts from many clients at once run one after the other, each once, in the order of acceptance", async () => {
  const world = await openWorld();
  const terminals = await Promise.all(Array.from({ length: 8 }, (_, index) => world.terminal(`t${index}`)));
  const first = terminals[0];
  if (first === undefined) throw new Error("no terminal");
  const replies = await Promise.all(
    terminals.flatMap((terminal, index) => [0, 1, 2].map((n) => terminal.prompt(`p${index}-${n}`))),
  );
  await Promise.all(replies.map((reply) => first.completed(reply.run_id)));
  const order = (await first.runs()).map((run) => run.id);
  const started = first.events.all("run.started").map((event) => event.payload.run.id);
  expect(started).toEqual(order);
  const users = outline(await first.messages()).filter((line) => line.startsWith("user"));
  expect(world.model.requests.map((request) => `user: ${lastPrompt(request)}`)).toEqual(users);
  // Each request holds what came before and nothing that still waited.
  for (const [index, request] of world.model.requests.entries()) {
    const prompts = request.body.messages.filter((message) => message.role === "user");
    expect(prompts).toHaveLength(index + 1);
  }
  expect(new Set(replies.map((reply) => reply.run_id)).size).toBe(24);
});

test("a prompt's own environment reaches its commands, and the provider's key does not", async () => {
  const world = await openWorld({ session: { mode: "yolo" } });
  const terminal = await world.terminal("only");
  world.model.enqueue(
    say({ call: "bash", input: { command: 'echo "lang=$LANG key=[$LOCAL_KEY]"; env' } }),
    say("ok"),
  );
  const { run_id } = await terminal.prompt("show", { env: { LANG: "de_DE.UTF-8" } });
  await terminal.completed(run_id);
  const output = sentText(await world.model.request(1));
  expect(output).toContain("lang=de_DE.UTF-8 key=[]");
  expect(output).not.toContain("HEARTH_READY_FD");
});
