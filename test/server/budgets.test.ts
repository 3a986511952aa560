// A budget that is used up is a question, which any terminal answers.
import { expect, test } from "vitest";
import { localConfig } from "../support/home.ts";
import { type Reply, say } from "../support/model-server.ts";
import { openWorld } from "../support/world.ts";

/** A step that costs $3. */
const dear = (...pieces: Parameters<typeof say>): Reply => ({
  ...say(...pieces),
  usage: { input: 3_000_000, output: 0 },
});
const look = { call: "list", input: {} };

test("a session's budget pauses the run; going on allows as much again, and stopping ends it", async () => {
  const world = await openWorld({
    config: (baseUrl) => ({ ...localConfig(baseUrl), limits: { budget_session_cost: 2 } }),
  });
  const { model } = world;
  const terminal = await world.terminal("first");
  const second = await world.terminal("second");
  model.enqueue(dear("One.", look), dear("Two.", look), say("never asked"));
  const { run_id } = await terminal.prompt("work");
  const asked = await terminal.question();
  expect(asked).toMatchObject({ title: "A budget is used up. Shall it go on?" });
  expect(JSON.stringify(asked.detail)).toContain("limits.budget_session_cost allows $2");
  expect(model.requests).toHaveLength(1);
  await second.answer(asked, "allow_once");
  const again = await terminal.question(({ id }) => id !== asked.id);
  expect(JSON.stringify(again.detail)).toContain("cost $6.0000");
  await terminal.answer(again, "deny");
  expect(await terminal.completed(run_id)).toMatchObject({
    ...{ outcome: "error", cost: 6 },
    error: { code: "budget_reached", retryable: false },
  });
  expect(model.requests).toHaveLength(2);
  // Who cannot be asked is told at once, and before anything is spent.
  const end = await terminal.ask("more", { on_question: "deny" });
  expect(end).toMatchObject({ outcome: "error", cost: 0, error: { code: "budget_reached" } });
});
