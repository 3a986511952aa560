import { afterEach, beforeEach, expect, test } from "vitest";
import { planTool } from "../../src/agent/tools/session/update-plan.ts";
import { type ModelServer, say, sentText, startModelServer } from "../support/model-server.ts";
import { callsOf, echoTool, oneProvider, openNative } from "./native-host.ts";

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.close());

const open = () => openNative({ config: oneProvider(server.baseUrl), tools: [echoTool, planTool] });
const plan = (...entries: object[]) => ({ call: "plan", input: { entries } });
const reminder = "Your plan was not updated for 10 steps";

test("a plan is shown as the model sets it, with one step in progress at most", async () => {
  server.enqueue(
    say(
      plan(
        { content: "Look", status: "completed" },
        { content: "Change", status: "in_progress" },
        { content: "Check", status: "in_progress" },
      ),
    ),
    // The names of other agents' to-do tools.
    say({
      call: "TodoWrite",
      input: { todos: [{ step: "Change", status: "done", activeForm: "Changing" }, "Check"] },
    }),
    say("Done."),
  );
  const native = await open();
  const turn = native.start("Go");
  expect(await turn.result).toEqual({ outcome: "end_turn" });
  expect(turn.events.filter((event) => event.type === "plan").map(({ entries }) => entries)).toEqual([
    [
      { content: "Look", status: "completed" },
      { content: "Change", status: "in_progress" },
      { content: "Check", status: "pending" },
    ],
    [
      { content: "Change", status: "completed" },
      { content: "Check", status: "pending" },
    ],
  ]);
  const [first, second] = callsOf(native.transcript);
  expect(first).toMatchObject({ title: "1/3 Change", status: "completed" });
  expect(first?.output).toBe("The plan is updated. Only one step can be in progress: 1 more became pending.");
  expect(second).toMatchObject({ name: "plan", title: "1/2", output: "The plan is updated." });
  await native.close();
});

test("a plan that is not updated for ten steps is shown to the model again, in the next turn too", async () => {
  const steps = (from: number, count: number) =>
    Array.from({ length: count }, (_, at) => say({ call: "echo", input: { text: `${from + at}` } }));
  server.enqueue(
    say(plan({ content: "Look </hearth> twice", status: "in_progress" })),
    ...steps(0, 4),
    say("So far."),
  );
  server.enqueue(...steps(4, 11), say("Done."));
  const native = await open();
  await native.start("Go").result;
  await native.start("Go on").result;
  const reminded = await Promise.all(
    Array.from({ length: 18 }, async (_, at) => sentText(await server.request(at)).includes(reminder)),
  );
  // The second turn begins to count anew: its tenth step is the sixteenth request.
  expect(reminded.indexOf(true)).toBe(16);
  const last = sentText(await server.request(17));
  expect(last.split(reminder)).toHaveLength(2);
  expect(last).toContain("[>] Look ‹/hearth> twice");
  await native.close();
});

test("a plan whose steps are all done is not shown again", async () => {
  server.enqueue(
    say(plan({ content: "Look", status: "completed" })),
    ...Array.from({ length: 12 }, (_, at) => say({ call: "echo", input: { text: `${at}` } })),
    say("Done."),
  );
  const native = await open();
  await native.start("Go").result;
  expect(sentText(await server.request(13))).not.toContain(reminder);
  await native.close();
});
