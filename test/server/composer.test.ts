import { expect, test } from "vitest";
import type { Session } from "../../src/protocol/session.ts";
import { createGate } from "../support/happenings.ts";
import { say } from "../support/model-server.ts";
import { openWorld, sawText } from "../support/world.ts";

// What a terminal's prompt line needs beside prompts: file names after `@`, commands after `!`, forks.

test("files are found by a few letters of their path, best first, and what git ignores is not", async () => {
  const world = await openWorld();
  for (const path of [
    "src/cart/total.ts",
    "src/cart/index.ts",
    "docs/chart.md",
    "node_modules/cart/total.ts",
  ]) {
    world.home.write(path, "x\n");
  }
  world.home.write(".gitignore", "node_modules\n");
  const only = await world.terminal("only");
  type Found = { files: string[]; truncated: boolean; complete: boolean };
  const find = (query: string) =>
    only.api.expect<Found>(200, "GET", only.path("/files"), { query: { query } });
  let found = await find("carttot");
  while (!found.complete) found = await find("carttot");
  expect(found).toEqual({ files: ["src/cart/total.ts"], truncated: false, complete: true });
  expect((await find("")).files).toEqual([
    ".gitignore",
    "docs/",
    "src/",
    "docs/chart.md",
    "src/cart/",
    "src/cart/index.ts",
    "src/cart/total.ts",
  ]);
  expect((await find("node_modules/cart/t")).files).toEqual(["node_modules/cart/total.ts"]);
  expect((await find("/etc/host")).files).toContain("/etc/hosts");
});

test("a command that a person typed runs without a question, and the next prompt knows what it said", async () => {
  const world = await openWorld();
  const only = await world.terminal("only");
  const end = await only.ask("echo from-the-shell; exit 3", { agent: "shell" });
  expect(end).toMatchObject({ outcome: "end_turn", agent: "shell" });
  const [prompt, answer] = await only.messages();
  expect(prompt?.parts).toMatchObject([{ type: "text", text: "echo from-the-shell; exit 3" }]);
  expect(answer?.parts).toMatchObject([
    { type: "tool_call", name: "bash", kind: "execute", status: "completed", view: { exit_code: 3 } },
  ]);
  world.model.enqueue(say("I see."));
  await only.ask("what did it say?");
  expect(JSON.stringify((await world.model.request(0)).body)).toContain("from-the-shell");
  expect(only.events.all("permission.requested")).toEqual([]);
});

test("a typed command is canceled like any run, and a session cannot be given to the shell", async () => {
  const world = await openWorld();
  const only = await world.terminal("only");
  const { run_id } = await only.prompt("echo begun; sleep 600", { agent: "shell" });
  await sawText(only, "begun");
  await only.cancel();
  expect((await only.completed(run_id)).outcome).toBe("canceled");
  const refused = await only.api.call("PATCH", only.path(`/sessions/${only.sid}`), {
    body: { agent: "shell" },
  });
  expect(refused.status).toBe(400);
});

test("a fork has the transcript up to the message, goes its own way, and leaves the first session alone", async () => {
  const world = await openWorld();
  const only = await world.terminal("only");
  world.model.enqueue(say("first answer"), say("second answer"));
  await only.ask("first");
  await only.ask("second");
  const before = await only.messages();
  const body = { message_id: before[1]?.id };
  const { session } = await only.api.expect<{ session: Session }>(
    201,
    "POST",
    only.path(`/sessions/${only.sid}/fork`),
    { body },
  );
  expect(session).toMatchObject({ parent_id: only.sid, state: "idle" });
  const fork = await world.terminal("fork", { sid: session.id });
  world.model.enqueue(say("another way"));
  await fork.ask("instead");
  const sent = JSON.stringify((await world.model.request(2)).body);
  expect(sent).toContain("first answer");
  expect(sent).not.toContain("second answer");
  expect(await only.messages()).toEqual(before);
});

test("a fork taken while a run is going on holds what is settled, and the run goes on alone", async () => {
  const world = await openWorld();
  const only = await world.terminal("only");
  const gate = createGate();
  world.model.enqueue(say("done"), say("half", { until: gate.passed }));
  await only.ask("first");
  const { run_id } = await only.prompt("second");
  await sawText(only, "half");
  const { session } = await only.api.expect<{ session: Session }>(
    201,
    "POST",
    only.path(`/sessions/${only.sid}/fork`),
  );
  gate.open();
  expect((await only.completed(run_id)).outcome).toBe("end_turn");
  const fork = await world.terminal("fork", { sid: session.id });
  expect((await fork.messages()).map(({ role }) => role)).toEqual(["user", "assistant"]);
});

test("a typed command that wants to steer waits its turn: it is not for the running agent", async () => {
  const world = await openWorld();
  const only = await world.terminal("only");
  const gate = createGate();
  world.model.enqueue(say("half", { until: gate.passed }), say("never asked for"));
  const { run_id } = await only.prompt("first");
  await sawText(only, "half");
  const typed = await only.prompt("echo typed", { agent: "shell", delivery: "steer" });
  gate.open();
  expect((await only.completed(run_id)).outcome).toBe("end_turn");
  expect(await only.completed(typed.run_id)).toMatchObject({ outcome: "end_turn", agent: "shell" });
});
