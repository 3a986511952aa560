// A person has the conversation compacted, takes that back, and loses nothing when the daemon dies on the way.
import { expect, test } from "vitest";
import { localConfig } from "../support/home.ts";
import { type ModelRequest, type ModelServer, type Reply, say } from "../support/model-server.ts";
import { openWorld } from "../support/world.ts";

const isSummary = ({ body }: ModelRequest) => JSON.stringify(body).includes("You summarise the work");
const talking = (model: ModelServer, summary: () => Reply) =>
  model.script((request, index) => (isSummary(request) ? summary() : say(`answer ${index}`)));
const lastAsked = (model: ModelServer) =>
  JSON.stringify(model.requests.filter((request) => !isSummary(request)).at(-1)?.body);

test("a compaction is a run that is shown, counted and taken back, and that a killed daemon leaves undone", async () => {
  const world = await openWorld({
    config: (baseUrl) => ({
      ...localConfig(baseUrl),
      agents: { other: { backend: "acp", command: ["/nonexistent/agent"] } },
    }),
  });
  const { model, wid } = world;
  const terminal = await world.terminal("first");
  const path = `/v1/workspaces/${wid}/sessions/${terminal.sid}`;
  const compact = (body = {}) => terminal.api.call("POST", `${path}/compact`, { body });
  const codeOf = (reply: { json: unknown }) => (reply.json as { error: { code: string } }).error.code;
  expect(codeOf(await compact())).toBe("nothing_to_compact");

  talking(model, () => ({ ...say("## Goal\nThe gist of it"), usage: { input: 70, output: 7 } }));
  for (const prompt of ["first wish", "second wish", "third wish"]) await terminal.ask(prompt);
  const accepted = await compact({ keep: "every name" });
  expect(accepted.status).toBe(202);
  const end = await terminal.completed((accepted.json as { run_id: string }).run_id);
  expect(end).toMatchObject({ outcome: "end_turn", usage: { input_tokens: 70, output_tokens: 7 } });
  expect(end.cost).toBeGreaterThan(0);
  expect(codeOf(await compact())).toBe("nothing_to_compact");
  const told = (await terminal.messages())
    .flatMap(({ parts }) => parts)
    .filter(({ type }) => type === "notice");
  expect(told).toMatchObject([
    { code: "compact", context: { kind: "asked", keep: "every name" } },
    { code: "compaction", context: { kind: "compacted", summary: "## Goal\nThe gist of it" } },
  ]);

  await terminal.ask("fourth wish");
  expect(lastAsked(model)).toContain("The gist of it");
  expect(lastAsked(model)).not.toContain("answer 0");
  expect((await terminal.messages()).length).toBe(10);

  const undo = () => terminal.api.call("POST", `${path}/undo`);
  expect(await undo()).toMatchObject({ status: 200 });
  expect(codeOf(await undo())).toBe("nothing_to_undo");
  await terminal.ask("fifth wish");
  expect(lastAsked(model)).toContain("answer 0");
  expect(lastAsked(model)).not.toContain("The gist of it");

  talking(model, () => say("half a", { stop: "hang" }));
  const next = model.requests.length;
  await compact();
  await model.request(next);
  await world.kill();
  await world.restart();
  const second = await world.terminal("second");
  talking(model, () => say("never asked"));
  await second.ask("sixth wish");
  expect(lastAsked(model)).toContain("answer 0");
  expect(lastAsked(model)).not.toMatch(/half a|Asked to compact|interrupted/);
  const runs = await second.runs();
  expect(runs.map(({ outcome }) => outcome)).toContain("interrupted");

  const other = await world.createSession({ agent: "other" });
  const refused = await second.api.call("POST", `/v1/workspaces/${wid}/sessions/${other.id}/compact`, {
    body: {},
  });
  expect([refused.status, codeOf(refused)]).toEqual([409, "compaction_unavailable"]);
});
