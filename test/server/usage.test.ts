// The ledger of what was spent, and the limits that stop a run.
import { expect, test } from "vitest";
import type { UsageRow } from "../../src/protocol/usage.ts";
import { localConfig } from "../support/home.ts";
import { say } from "../support/model-server.ts";
import { openWorld, outline } from "../support/world.ts";

const million = { input: 1_000_000, output: 500_000, cache_read: 400_000 };
const read = { call: "read", input: { path: "a.txt" } } as const;
type Reply = { by: string; rows: UsageRow[]; total: UsageRow };

test("what runs have used is summed by day, session, agent and model, and outlives its session", async () => {
  const world = await openWorld();
  const first = await world.terminal("first");
  const { id: other } = await world.createSession({ title: "the other" });
  const second = await world.terminal("second", { sid: other });
  world.model.enqueue({ ...say("One."), usage: million }, { ...say("Two."), usage: million });
  const end = await first.ask("one");
  await second.ask("two");

  const usage = (query: Record<string, string>) =>
    first.api.expect<Reply>(200, "GET", "/v1/usage", { query });
  const [run] = await first.runs();
  expect(run).toMatchObject({ model: "local/big", cost: end.cost });
  expect(end.cost).toBeGreaterThan(1);

  const byModel = await usage({ by: "model" });
  expect(byModel.rows).toMatchObject([
    { key: "local/big", label: null, runs: 2, usage: { input_tokens: 2_000_000, output_tokens: 1_000_000 } },
  ]);
  expect(byModel.total.cost).toBeCloseTo(2 * end.cost);
  expect((await usage({ by: "agent" })).rows).toMatchObject([{ key: "hearth", runs: 2 }]);
  expect((await usage({})).rows).toMatchObject([{ key: new Date().toISOString().slice(0, 10), runs: 2 }]);
  expect((await usage({ by: "session" })).rows).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ key: world.sid, label: "one", runs: 1 }),
      expect.objectContaining({ key: other, label: "the other", runs: 1 }),
    ]),
  );

  await first.api.expect(200, "DELETE", first.path(`/sessions/${other}`));
  const left = await usage({ by: "session", workspace_id: world.wid });
  expect(left.rows).toContainEqual(expect.objectContaining({ key: other, label: null, runs: 1 }));
  const elsewhere = await world.openWorkspace(world.home.folder("elsewhere"));
  expect((await usage({ by: "day", workspace_id: elsewhere.id })).rows).toEqual([]);
  expect((await first.api.call("GET", "/v1/usage", { query: { by: "color" } })).status).toBe(400);
});

test.for([
  ["max_run_cost", 3, "limits.max_run_cost is $3"],
  ["max_run_tokens", 2_000_000, "limits.max_run_tokens is 2000000"],
] as const)("a run that reaches limits.%s stops with what it has done", async ([limit, value, told]) => {
  const world = await openWorld({ config: (url) => ({ ...localConfig(url), limits: { [limit]: value } }) });
  world.home.write("a.txt", "alpha\n");
  const terminal = await world.terminal("only");
  world.model.enqueue(
    { ...say("First.", read), usage: million },
    { ...say("Second.", read), usage: million },
  );
  const end = await terminal.ask("spend it");
  expect(end).toMatchObject({ outcome: "error", error: { code: "budget_reached", retryable: false } });
  expect(end.error?.message).toContain(told);
  expect(world.model.requests).toHaveLength(2);
  expect(outline(await terminal.messages()).at(-1)).toBe("assistant: error");

  world.model.enqueue({ ...say("Dear, but done."), usage: { input: 5_000_000, output: 1 } });
  expect(await terminal.ask("and now?")).toMatchObject({ outcome: "end_turn", text: "Dear, but done." });
});
