// An agent that works on behind the answer to its prompt.
import { expect, test } from "vitest";
import type { HearthEvent } from "../../src/protocol/events.ts";
import { eventually } from "../support/happenings.ts";
import type { Deed, PlayedTurn } from "../support/scripted-acp.ts";
import { openScriptedWorld, type ScriptedWorld } from "../support/scripted-world.ts";

const say = (text: string): Deed => ({ do: "say", texts: [text] });
const update = (fields: Record<string, unknown>): Deed => ({ do: "update", update: fields });
const call = (status: string): Deed =>
  update({ sessionUpdate: "tool_call", toolCallId: "own", title: "npm test", kind: "execute", status });
const called = (status: string): Deed =>
  update({ sessionUpdate: "tool_call_update", toolCallId: "own", status });

/** A turn with its answer, behind which the agent does this once it is told to. */
const worksOn = (...after: Deed[]): PlayedTurn => ({
  deeds: [say("I will see.")],
  after: [{ do: "hold", gate: "on" }, ...after],
});

/** Heard at any time, behind all that was said before it. */
const titled = update({ sessionUpdate: "session_info_update", title: "Told" });

/** The run that the agent makes for itself. */
async function ownRun({ world }: ScriptedWorld) {
  const isOwn = (event: HearthEvent): event is Extract<HearthEvent, { type: "run.started" }> =>
    event.type === "run.started" && event.payload.run.by === null;
  return (await world.until(isOwn, "a run of the agent's own")).payload.run.id;
}

test("its own work is a run of its own, which ends when it goes quiet", async () => {
  const at = await openScriptedWorld();
  at.acp.nextTurn(
    worksOn(call("in_progress"), { do: "hold", gate: "done" }, called("completed"), say("It passes.")),
  );
  const prompted = await at.world.ask("Test it");
  expect(prompted).toMatchObject({ outcome: "end_turn", text: "I will see." });
  at.acp.openGate("on");
  const own = await ownRun(at);
  await at.world.until(
    (event): event is HearthEvent =>
      event.type === "message.updated" && JSON.stringify(event.payload).includes("npm test"),
    "its call",
  );
  expect(at.world.coordinator().runtime().running).toBe(true);
  at.acp.openGate("done");
  expect(await at.world.ended(own)).toMatchObject({
    outcome: "end_turn",
    agent: "scripted",
    text: "It passes.",
  });
  expect(at.world.partsOf(own)).toMatchObject([
    { type: "tool_call", title: "npm test", status: "completed" },
    { type: "text", text: "It passes." },
  ]);
  expect(at.world.messagesOf(own)[0]).toMatchObject({
    role: "user",
    parts: [{ type: "notice", text: "scripted works on by itself." }],
  });
  expect(at.world.partsOf(prompted.run_id)).toMatchObject([{ type: "text", text: "I will see." }]);
  expect(at.acp.count("session/prompt")).toBe(1);

  // The agent knows what it has done by itself: it is not told.
  at.acp.nextTurn({ deeds: [say("yes")] });
  expect(await at.world.ask("Sure?")).toMatchObject({ text: "yes" });
  expect(JSON.stringify(at.acp.paramsOf("session/prompt")[1])).not.toContain("It passes.");
});

test("it ends at once for a prompt, and later output belongs to that prompt", async () => {
  const at = await openScriptedWorld();
  at.acp.nextTurn(worksOn(call("in_progress"), { do: "hold", gate: "never" }));
  await at.world.ask("Test it");
  at.acp.openGate("on");
  const own = await ownRun(at);
  at.acp.nextTurn({ deeds: [say("here")] });
  const next = await at.world.ask("And now this");
  expect(next).toMatchObject({ outcome: "end_turn", text: "here" });
  expect(await at.world.ended(own)).toMatchObject({ outcome: "end_turn" });
  expect(at.acp.count("session/cancel")).toBe(0);
});

test("a cancel tells it to stop, and its later output is dropped", async () => {
  const at = await openScriptedWorld();
  at.acp.nextTurn(worksOn(call("in_progress"), { do: "hold", gate: "stop" }, say("too late"), titled));
  await at.world.ask("Test it");
  at.acp.openGate("on");
  const own = await ownRun(at);
  at.world.cancel();
  expect(await at.world.ended(own)).toMatchObject({ outcome: "canceled" });
  await at.acp.asked("session/cancel");
  await at.world.idle();
  at.acp.openGate("stop");
  await eventually(() => at.world.sessionEvents.some(({ type }) => type === "title"), "its late words");
  at.acp.nextTurn({ deeds: [say("here")] });
  expect(await at.world.ask("Go on")).toMatchObject({ text: "here" });
  expect(JSON.stringify(at.world.messages())).not.toContain("too late");
});
