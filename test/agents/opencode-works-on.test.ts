// `opencode serve` that works on behind the answer to its prompt.
import { expect, test } from "vitest";
import { playTurn, textIn } from "../support/opencode-bench.ts";
import { openScriptedOpencode } from "../support/scripted-opencode.ts";

type World = Awaited<ReturnType<typeof openScriptedOpencode>>;

async function prompted(at: World, prompt: string, opened: Awaited<ReturnType<World["open"]>>) {
  const before = at.asked.all.length;
  const turn = playTurn(opened, prompt);
  await at.asked.until(({ what }) => what.endsWith("/prompt_async"), "its prompt", before);
  return turn;
}

test("its own work is a turn of its own, which ends when the session is idle", async () => {
  const at = await openScriptedOpencode();
  const opened = await at.open();
  const first = await prompted(at, "Test it", opened);
  at.answer(at.promptId(), "I will see.")();
  expect(await first.result).toEqual({ outcome: "end_turn" });
  expect(textIn(first.events)).toBe("I will see.");

  const end = at.answer(at.ownPrompt(), "It passes.");
  await at.told.until(({ type }) => type === "works_on", "that it works on");
  const own = playTurn(opened, "", { turn: { goesOn: new AbortController().signal } });
  await own.until((event) => event.type === "text_delta");
  end();
  expect(await own.result).toEqual({ outcome: "end_turn" });
  expect(textIn(own.events)).toBe("It passes.");
  expect(own.events.filter(({ type }) => type === "step_finished")).toHaveLength(1);
});

test("it ends for a prompt, and its later output belongs to that prompt", async () => {
  const at = await openScriptedOpencode();
  const opened = await at.open();
  const first = await prompted(at, "Test it", opened);
  at.answer(at.promptId(), "I will see.")();
  await first.result;

  const ownId = at.ownPrompt();
  at.answer(ownId, "It runs.");
  await at.told.until(({ type }) => type === "works_on", "that it works on");
  const wanted = new AbortController();
  const own = playTurn(opened, "", { turn: { goesOn: wanted.signal } });
  await own.until((event) => event.type === "text_delta");
  wanted.abort();
  expect(await own.result).toEqual({ outcome: "end_turn" });

  const next = await prompted(at, "And this", opened);
  const promptId = at.promptId();
  at.answer(ownId, "It passes. ");
  at.answer(promptId, "Here.")();
  expect(await next.result).toEqual({ outcome: "end_turn" });
  expect(textIn(next.events)).toBe("It passes. Here.");
});

test("after a canceled turn it is dropped", async () => {
  const at = await openScriptedOpencode();
  const opened = await at.open();
  const first = await prompted(at, "Test it", opened);
  const late = at.answer(at.promptId(), "I will");
  await first.until((event) => event.type === "text_delta");
  first.cancel();
  expect(await first.result).toEqual({ outcome: "canceled" });
  late();
  at.answer(at.ownPrompt(), "too late")();
  at.title("Told");
  await at.told.until(({ type }) => type === "title", "its title");
  expect(at.told.all.map(({ type }) => type)).not.toContain("works_on");

  const next = await prompted(at, "Go on", opened);
  at.answer(at.promptId(), "Here.")();
  expect(await next.result).toEqual({ outcome: "end_turn" });
  expect(textIn(next.events)).toBe("Here.");
});
