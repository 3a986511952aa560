// faults.md F31: two clients that do everything to one session at once, a thousand times over.
import { expect, test } from "vitest";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { Permission } from "../../src/protocol/permission.ts";
import type { ApiReply } from "../support/api.ts";
import { eventually } from "../support/happenings.ts";
import { say } from "../support/model-server.ts";
import { expectStreamTellsTheTruth, openWorld, type Terminal, type World } from "../support/world.ts";

/** In each of five sessions: a snapshot shows the newest thousand messages only. */
const ROUNDS = 100;
/** Reproducible: what is done in which order depends on this alone, what becomes of it on the machine. */
function createDice(seed: number) {
  let state = seed;
  return (sides: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * sides);
  };
}

test("whatever two clients do to one session at the same instant, each act is done once or refused", async () => {
  const world = await openWorld();
  for (const seed of [1, 2, 3, 4, 5]) await raceIn(world, (await world.createSession()).id, seed);
});

async function raceIn(world: World, sid: string, seed: number): Promise<void> {
  const questions = new Map<string, Permission>();
  const onEvent = ({ type, payload }: HearthEvent) => {
    if (type === "permission.requested") questions.set(payload.permission.id, payload.permission);
    else if (type === "permission.resolved") questions.delete(payload.permission.id);
  };
  const first = await world.terminal(`first-${seed}`, { sid, validate: false, onEvent });
  const second = await world.terminal(`second-${seed}`, { sid, validate: false });
  const before = await first.snapshot();
  const roll = createDice(seed);
  world.model.script((_, index) =>
    index % 5 === 0
      ? say({ call: "bash", input: { command: "true" } })
      : index % 3 === 0
        ? say("a ", "b ", "c")
        : say("ok"),
  );
  const accepted: string[] = [];
  const strange: string[] = [];
  const answered = new Map<string, number>();
  const session = first.path(`/sessions/${first.sid}`);
  const newest = () => accepted.at(-1 - roll(3)) ?? "run_00000000000000000000000000000000";
  const open = (): Permission | undefined => [...questions.values()].at(-1);
  const acts: ((by: Terminal, round: number) => Promise<ApiReply> | undefined)[] = [
    (by, round) =>
      by.api.call("POST", by.path("/agent"), {
        body: {
          session_id: by.sid,
          prompt: `prompt ${round} of ${by.id}`,
          delivery: round % 4 === 0 ? "steer" : "queue",
        },
      }),
    (by) => by.api.call("POST", by.path(`/agent/sessions/${by.sid}/cancel`), {}),
    (by) => by.api.call("POST", by.path(`/agent/sessions/${by.sid}/cancel`), { body: { scope: "active" } }),
    (by, round) => by.api.call("PATCH", session, { body: { title: `title ${round} of ${by.id}` } }),
    (by) => by.api.call("DELETE", `${session}/queue/${newest()}`),
    (by) => by.api.call("PATCH", `${session}/queue/${newest()}`, { body: { prompt: "edited" } }),
    (by) => by.api.call("POST", `${session}/queue/resume`, {}),
    (by) => {
      const question = open();
      const decision = roll(2) === 0 ? "allow_once" : "deny";
      return question && by.api.call("POST", by.path(`/permissions/${question.id}`), { body: { decision } });
    },
  ];
  const perform = async (by: Terminal, round: number) => {
    const question = open()?.id ?? "";
    const which = roll(3) === 0 ? 0 : roll(acts.length);
    const reply = await acts[which]?.(by, round);
    if (reply === undefined) return;
    if (reply.status === 202) accepted.push((reply.json as { run_id: string }).run_id);
    else if (which === 7 && reply.status === 200) answered.set(question, (answered.get(question) ?? 0) + 1);
    else if (![200, 404, 409].includes(reply.status)) strange.push(`${reply.status} ${reply.text}`);
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all([perform(first, round), perform(second, round)]);
  }
  await first.cancel();
  await eventually(async () => {
    const { state, queued } = await first.session();
    return state === "idle" && queued === 0;
  }, "the session to be idle");

  expect(strange).toEqual([]);
  expect([...answered.values()].filter((count) => count !== 1)).toEqual([]);
  expect(accepted.length).toBeGreaterThan(ROUNDS / 4);
  for (const runId of accepted) await first.completed(runId);
  const ends = first.events.all("run.completed").map(({ payload }) => payload.run_id);
  expect(ends.toSorted()).toEqual(accepted.toSorted());
  expect(first.events.all("run.started").length).toBeGreaterThan(5);
  // Both were told the same, and it is what the daemon says.
  await expectStreamTellsTheTruth(first, before);
  await expectStreamTellsTheTruth(second, before);
  world.model.script(() => say("ok"));
  expect((await first.ask("and now?")).outcome).toBe("end_turn");
  first.events.drop();
  second.events.drop();
}

test("a session that one client deletes while the other uses it is gone for both, and the next one works", async () => {
  const world = await openWorld();
  const roll = createDice(11);
  world.model.script(() => say("a ", "b"));
  for (let round = 0; round < 40; round += 1) {
    const { id } = await world.createSession();
    const terminal = await world.terminal(`t${round}`, { sid: id });
    const path = terminal.path(`/sessions/${id}`);
    const acts = [
      () => terminal.api.call("POST", terminal.path("/agent"), { body: { session_id: id, prompt: "hello" } }),
      () => terminal.api.call("DELETE", path),
      () => terminal.api.call("POST", terminal.path(`/agent/sessions/${id}/cancel`), {}),
      () => terminal.api.call("PATCH", path, { body: { title: "x" } }),
    ];
    const order = acts.map((act) => ({ act, at: roll(1000) })).toSorted((a, b) => a.at - b.at);
    const replies = await Promise.all(order.map(({ act }) => act()));
    for (const { status, text } of replies) expect([200, 202, 404], text).toContain(status);
    expect((await terminal.api.call("GET", path)).status).toBe(404);
    const prompt = { body: { session_id: id, prompt: "hello" } };
    expect((await terminal.api.call("POST", terminal.path("/agent"), prompt)).status).toBe(404);
    terminal.events.drop();
  }
  const terminal = await world.terminal("last");
  expect((await terminal.ask("hello")).outcome).toBe("end_turn");
});
