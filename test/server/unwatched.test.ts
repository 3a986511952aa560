// A run that nobody watches (`hearth run`) must come to its end by itself.
import { expect, test } from "vitest";
import { localConfig } from "../support/home.ts";
import { say, sentText } from "../support/model-server.ts";
import { openWorld } from "../support/world.ts";

const lookAgain = () => say({ call: "list", input: {} });

test("a run that waits for nobody is stopped when it goes round in circles; a watched one asks", async () => {
  const world = await openWorld();
  const terminal = await world.terminal("only");
  world.model.script((_, index) => (index < 3 ? lookAgain() : say("I see.")));
  expect(await terminal.ask("look", { on_question: "fail" })).toMatchObject({
    outcome: "error",
    error: { code: "loop_detected" },
  });
  expect(world.model.requests).toHaveLength(3);

  world.model.script((_, index) => (index < 6 ? lookAgain() : say("I see.")));
  const { run_id } = await terminal.prompt("look");
  const question = await terminal.question();
  expect(question).toMatchObject({ run_id, title: "The model seems to be stuck. Shall it go on?" });
  await terminal.answer(question, "deny", { message: "look elsewhere" });
  expect(await terminal.completed(run_id)).toMatchObject({ outcome: "end_turn", text: "I see." });
  expect(sentText(await world.model.request(6))).toContain("The user says: look elsewhere");
});

test("the limit of steps in the configuration is kept by a run that waits for nobody, unless it brings its own", async () => {
  const world = await openWorld({
    config: (baseUrl) => ({ ...localConfig(baseUrl), limits: { max_steps: 2 } }),
  });
  const terminal = await world.terminal("only");
  let asked = 0;
  world.model.script(() => say({ call: "read", input: { path: `${++asked}.txt` } }));
  const { outcome } = await terminal.ask("look", { on_question: "deny" });
  expect({ outcome, asked }).toEqual({ outcome: "max_steps", asked: 2 });
  expect((await terminal.ask("look", { on_question: "deny", max_steps: 3 })).outcome).toBe("max_steps");
  expect(asked).toBe(5);
});
