// How full the model's window is, and what the agent means to do: known to who comes late, and after a restart.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { Session } from "../../src/protocol/session.ts";
import { localConfig } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { startScriptedAcp } from "../support/scripted-acp.ts";
import { expectStreamTellsTheTruth, openWorld, type World } from "../support/world.ts";

/** `big` has a window, `small` has another, and nobody knows that of `odd`. */
const config = (url: string) => {
  const base = localConfig(url);
  const local = base.providers?.["local"];
  if (local === undefined) throw new Error("the tests have a provider named local");
  const models = { big: { context_window: 1000 }, small: { context_window: 500 }, odd: {} };
  return { ...base, providers: { local: { ...local, models } } };
};
const used = (reply: ReturnType<typeof say>, input: number, output: number) => ({
  ...reply,
  usage: { input, output },
});
const change = (world: World, body: object) =>
  world.daemon
    .api("other")
    .expect<{ session: Session }>(200, "PATCH", `/v1/workspaces/${world.wid}/sessions/${world.sid}`, {
      body,
    });

test("what the last request held is told with the session, stays over a restart, and follows the model", async () => {
  const world = await openWorld({ config });
  const terminal = await world.terminal("only");
  const before = await terminal.snapshot();
  expect((await terminal.session()).context).toBeNull();
  world.model.enqueue(used(say("One."), 100, 20));
  await terminal.ask("one");
  expect((await terminal.session()).context).toEqual({ used: 120, window: 1000 });
  // Of the last request, not of all of them.
  world.model.enqueue(used(say({ call: "list", input: {} }), 200, 10), used(say("Two."), 240, 10));
  await terminal.ask("two");
  expect((await terminal.session()).context).toEqual({ used: 250, window: 1000 });
  const usages = (await terminal.messages()).map((message) => message.usage?.output_tokens);
  expect(usages).toEqual([undefined, 20, undefined, 10, 10]);
  const told = terminal.events.all("session.updated").map(({ payload }) => payload.session.context?.used);
  expect([...new Set(told)]).toEqual([undefined, 120, 210, 250]);
  const { sessions } = await expectStreamTellsTheTruth(terminal, before);
  expect(sessions[0]?.context).toEqual({ used: 250, window: 1000 });

  await world.stop();
  await world.restart();
  const after = await world.terminal("after");
  expect((await after.session()).context).toEqual({ used: 250, window: 1000 });
  expect((await change(world, { model: "local/small" })).session.context).toEqual({ used: 250, window: 500 });
  expect((await change(world, { model: "local/odd" })).session.context).toBeNull();
  expect((await change(world, { model: null })).session.context).toEqual({ used: 250, window: 1000 });
});

test("an answer without figures leaves the last ones, and another agent's conversation is another", async () => {
  const world = await openWorld({
    config: (url) => ({ ...config(url), agents: { other: { backend: "acp", command: ["true"] } } }),
  });
  const terminal = await world.terminal("only");
  world.model.enqueue(used(say("One."), 100, 20), used(say("Two."), 0, 0));
  await terminal.ask("one");
  await terminal.ask("two");
  expect((await terminal.session()).context).toEqual({ used: 120, window: 1000 });
  expect((await change(world, { agent: "other" })).session.context).toBeNull();
  expect((await change(world, { agent: "hearth" })).session.context).toEqual({ used: 120, window: 1000 });
});

test("what an agent of its own says of its window counts, and its plan is there for who comes late and after a restart", async () => {
  const folder = mkdtempSync(join(tmpdir(), "hearth-scripted-"));
  const scripted = await startScriptedAcp(folder);
  onTestFinished(async () => {
    await scripted.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const world = await openWorld({
    config: (url) => ({
      ...config(url),
      agents: { scripted: { backend: "acp", command: scripted.command, env: scripted.env } },
    }),
    session: { agent: "scripted" },
  });
  const terminal = await world.terminal("only");
  const before = await terminal.snapshot();
  const entries = [
    { content: "look", status: "completed", priority: "high" },
    { content: "mend", status: "in_progress", priority: "high" },
  ];
  scripted.nextTurn({
    deeds: [
      { do: "update", update: { sessionUpdate: "plan", entries } },
      { do: "update", update: { sessionUpdate: "usage_update", used: 4200, size: 10_000 } },
      { do: "say", texts: ["Done."] },
    ],
  });
  await terminal.ask("go on");
  const plan = {
    session_id: world.sid,
    entries: entries.map(({ content, status }) => ({ content, status })),
  };
  const shown = { plans: [plan], context: { used: 4200, window: 10_000 } };
  const now = await expectStreamTellsTheTruth(terminal, before);
  expect({ plans: now.plans, context: now.sessions[0]?.context }).toEqual(shown);

  await world.stop();
  await world.restart();
  const after = await world.terminal("after");
  const late = await after.snapshot();
  expect({ plans: late.plans, context: late.sessions[0]?.context }).toEqual(shown);
  // It says nothing of the next agent.
  await change(world, { agent: "hearth" });
  const switched = await expectStreamTellsTheTruth(after, late);
  expect({ plans: switched.plans, context: switched.sessions[0]?.context }).toEqual({
    plans: [],
    context: null,
  });
});
