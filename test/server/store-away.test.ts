// What happens while the store cannot be written (design.md §6): here because another program holds its lock.
import Database from "better-sqlite3";
import { expect, onTestFinished, test } from "vitest";
import type { Snapshot } from "../../src/protocol/snapshot.ts";
import { say } from "../support/model-server.ts";
import { expectStreamTellsTheTruth, openWorld, outline, type World } from "../support/world.ts";

/** Another program takes the store's lock, as a backup or a curious person does. Returns what lets it go. */
function takeStore(world: World): () => void {
  const stranger = new Database(world.home.database, { timeout: 5000 });
  stranger.exec("BEGIN IMMEDIATE");
  const letGo = () => {
    if (stranger.inTransaction) stranger.exec("ROLLBACK");
    stranger.close();
  };
  onTestFinished(() => {
    if (stranger.open) letGo();
  });
  return letGo;
}

test("while the store is away prompts are refused without a trace, everything can be read, and it goes on by itself", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("here");
  await terminal.ask("one");
  const giveBack = takeStore(world);
  const body = { session_id: terminal.sid, prompt: "two" };
  const refused = await terminal.api.call("POST", terminal.path("/agent"), { body });
  expect([refused.status, refused.json]).toMatchObject([507, { error: { code: "store_unavailable" } }]);
  expect(refused.text).toContain(world.home.database);

  await world.openWorkspace();
  const late = await world.terminal("late");
  const shown = await late.snapshot();
  expect(shown.clients.map(({ id }) => id)).toEqual(["here", "late"]);
  expect(outline(shown.messages)).toEqual(["user: one", "assistant: end_turn"]);

  giveBack();
  expect((await late.ask("three")).outcome).toBe("end_turn");
  expect((await late.runs()).map(({ state }) => state)).toEqual(["completed", "completed"]);
});

test("a question whose answer the store did not take is still open, and can be answered again", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("here");
  world.model.enqueue(say({ call: "bash", input: { command: "touch made.txt" } }), say("Made."));
  const { run_id } = await terminal.prompt("make it");
  const question = await terminal.question();
  const giveBack = takeStore(world);
  const path = terminal.path(`/permissions/${question.id}`);
  const refused = await terminal.api.call("POST", path, { body: { decision: "allow_once" } });
  expect(refused.status).toBe(507);
  expect((await terminal.snapshot()).permissions.map(({ id }) => id)).toEqual([question.id]);
  giveBack();
  await terminal.answer(question, "allow_once");
  expect(await terminal.completed(run_id)).toMatchObject({ outcome: "end_turn", text: "Made." });
});

test("a run that is canceled while the store is away ends as soon as that is back, its question with it", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("here");
  const before: Snapshot = await terminal.snapshot();
  world.model.enqueue(say({ call: "bash", input: { command: "touch made.txt" } }));
  const { run_id } = await terminal.prompt("make it");
  const question = await terminal.question();
  const giveBack = takeStore(world);
  expect(await terminal.cancel()).toEqual({ canceled: [run_id], held: [] });
  expect((await terminal.api.call("GET", "/v1/health")).status).toBe(200);
  giveBack();
  expect((await terminal.completed(run_id)).outcome).toBe("canceled");
  const resolved = await terminal.events.until("permission.resolved");
  expect(resolved.payload.permission).toMatchObject({ id: question.id, state: "canceled" });
  expect((await terminal.ask("again")).outcome).toBe("end_turn");
  await expectStreamTellsTheTruth(terminal, before);
});

test("a workspace or a session that could not be closed while the store was away still takes prompts", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("here");
  await terminal.ask("one");
  const giveBack = takeStore(world);
  expect((await terminal.api.call("DELETE", terminal.path(""))).status).toBe(507);
  expect((await terminal.api.call("DELETE", terminal.path(`/sessions/${terminal.sid}`))).status).toBe(507);
  giveBack();
  expect((await terminal.ask("two")).outcome).toBe("end_turn");
});
