// A day's work of one person in two sessions, played against a store or a context that fails somewhere in it.
import assert from "node:assert/strict";
import { HearthError } from "../../src/protocol/errors.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { RunId, SessionId, WorkspaceId } from "../../src/protocol/ids.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { newId, type ScriptedTurn } from "./scripted-session.ts";
import type { openSessionWorld } from "./session-world.ts";

type World = ReturnType<typeof openSessionWorld>;

type Work = {
  /** Opens the world on the store as it is: at first, and after each kill. May throw store_unavailable. */
  open(): World;
  /** As kill -9 does. */
  kill(world: World): void;
  /** Everything that is ready happens, and time passes if nothing is. */
  pass(): Promise<void>;
};

/** What came of it. */
export type Done = {
  world: World;
  wid: WorkspaceId;
  sid: SessionId;
  /** Accepted in the session that stays. */
  accepted: RunId[];
  /** Accepted in the session that was deleted. */
  deleted: RunId[];
  /** What each client that was attached all the time was told, by daemon. */
  told: { from: number; until: number; events: HearthEvent[] }[];
};

const TRIES_MAX = 60;
const isUnavailable = (error: unknown) => error instanceof HearthError && error.code === "store_unavailable";

export async function playWork({ open, kill, pass }: Work): Promise<Done> {
  /** As people and clients do: what the store refuses is asked for again. */
  async function surely<T>(act: () => T | Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await act();
      } catch (error) {
        if (!isUnavailable(error) || tries === TRIES_MAX) throw error;
        await pass();
      }
    }
  }
  async function until<T>(found: () => T | undefined | false, what: string): Promise<T> {
    for (let tries = 0; tries < TRIES_MAX; tries += 1) {
      const value = found();
      if (value !== undefined && value !== false) return value;
      await pass();
    }
    throw new Error(`waited in vain for ${what}`);
  }

  let world = await surely(open);
  const wid = await surely(() => world.openWorkspace());
  const told: Done["told"] = [];
  const attach = () => told.push({ from: 0, until: 0, events: world.attach(wid) });
  attach();
  const { id: sid } = await surely(() => world.sessions.create(wid, {}, null));
  const { id: other } = await surely(() => world.sessions.create(wid, {}, null));
  const accepted: RunId[] = [];
  const deleted: RunId[] = [];

  async function prompt(text: string, delivery: "queue" | "steer" = "queue", session = sid): Promise<RunId> {
    const run_id = newId("run") as RunId;
    await surely(() => world.runs.accept(wid, { session_id: session, prompt: text, run_id, delivery }, "me"));
    (session === sid ? accepted : deleted).push(run_id);
    return run_id;
  }
  const isOver = (id: RunId) => world.run(id)?.state === "completed";
  /** The run's turn; undefined when it had an end before. */
  const turnOf = async (id: RunId): Promise<ScriptedTurn | undefined> => {
    const turn = () => world.scripted.turns.find(({ run_id }) => run_id === id);
    await until(() => turn() !== undefined || isOver(id), `the turn of ${id}`);
    return isOver(id) ? undefined : turn();
  };
  const answer = (turn: ScriptedTurn | undefined) => {
    turn?.say({ type: "step_started", model: "m" });
    turn?.say({ type: "text_delta", text: `[${turn.run_id}]` });
    turn?.say({ type: "step_finished", finish_reason: "end_turn", usage: noUsage, cost: 0 });
    turn?.end({ outcome: "end_turn" });
  };
  const over = (id: RunId) => until(() => isOver(id), `the end of ${id}`);
  const settle = async (turn: ScriptedTurn | undefined) => {
    turn?.end({ outcome: "canceled" });
    await until(() => world.isAtRest() || undefined, "what was canceled to settle");
  };
  const call = (turn: ScriptedTurn | undefined, id: string) =>
    turn?.say({
      ...{ type: "tool_call", tool_call_id: id, name: "bash", kind: "execute", title: "touch x" },
      ...{ input: {}, status: "running" },
    });
  const ask = (turn: ScriptedTurn | undefined, id: string) =>
    turn?.host.authorize(
      {
        ...{ tool_call_id: id, tool: "bash", kind: "execute", title: "touch x" },
        subject: { type: "command", command: "touch x", cwd: "/" },
      },
      turn.signal,
    );

  // A turn with a tool call, a question and its answer.
  const first = await prompt("first");
  const one = await turnOf(first);
  one?.say({ type: "step_started", model: "m" });
  one?.say({ type: "text_delta", text: `[${first}]` });
  await pass();
  one?.say({ type: "text_delta", text: `[${first}]` });
  call(one, "call_1");
  const verdict = ask(one, "call_1");
  await until(() => isOver(first) || world.questions(wid)[0], "the question");
  const [question] = world.questions(wid);
  if (question)
    await surely(() => world.permissions.answer(wid, question.id, { decision: "allow_session" }, "me"));
  await verdict;
  one?.say({ type: "tool_output", tool_call_id: "call_1", text: "out" });
  one?.say({ type: "tool_call_updated", tool_call_id: "call_1", status: "completed" });
  one?.say({ type: "plan", entries: [{ content: "do", status: "pending" }] });
  one?.say({ type: "step_finished", finish_reason: "tool_use", usage: noUsage, cost: 0 });
  answer(one);
  await over(first);

  // A queue, of which one is steered, one is edited and one withdrawn.
  const second = await prompt("second");
  const two = await turnOf(second);
  two?.say({ type: "step_started", model: "m" });
  const steered = await prompt("steered", "steer");
  const edited = await prompt("typo");
  const withdrawn = await prompt("withdrawn");
  await surely(async () => {
    try {
      world.runs.edit(wid, sid, edited, { prompt: "edited" });
      world.runs.withdraw(wid, sid, withdrawn, "me");
    } catch (error) {
      if (!(error instanceof HearthError) || error.code !== "run_started") throw error;
    }
  });
  two?.say({ type: "step_finished", finish_reason: "tool_use", usage: noUsage, cost: 0 });
  two?.host.takeSteering();
  answer(two);
  await over(second);
  for (const id of [steered, edited, withdrawn]) {
    answer(await turnOf(id));
    await over(id);
  }

  // Cancels of both scopes, of which one withdraws a question.
  const third = await prompt("third");
  const three = await turnOf(third);
  const held = await prompt("held");
  three?.say({ type: "step_started", model: "m" });
  three?.say({ type: "text_delta", text: `[${third}]` });
  call(three, "call_3");
  await cancel("active");
  await settle(three);
  await surely(() => world.runs.resume(wid, sid));
  const four = await turnOf(held);
  four?.say({ type: "step_started", model: "m" });
  call(four, "call_4");
  const asked = four?.host.authorize(
    {
      ...{ tool_call_id: "call_4", tool: "edit", kind: "edit", title: "x" },
      subject: { type: "other", text: "something else" },
    },
    four.signal,
  );
  await prompt("never");
  await cancel("all");
  await asked;
  await settle(four);

  async function cancel(scope: "all" | "active") {
    const { canceled, held: kept } = world.runs.cancel(wid, sid, scope, "me");
    await until(() => canceled.every(isOver), "what was canceled to end");
    for (const id of canceled)
      assert.equal(world.run(id)?.outcome, "canceled", "H1: what it answers it does");
    for (const id of kept) assert.equal(world.run(id)?.state, "held", "H1: what it answers it does");
  }

  // A session is deleted under its turn.
  const gone = await prompt("gone", "queue", other);
  const five = await turnOf(gone);
  five?.say({ type: "step_started", model: "m" });
  await prompt("gone, too", "queue", other);
  await surely(() => world.sessions.remove(wid, other, { force: false }, "me"));
  five?.end({ outcome: "canceled" });
  await until(() => world.isAtRest() || undefined, "the deleted session's turn to settle");

  // A kill in a turn with a queue behind it; the next daemon goes on.
  const killed = await prompt("killed");
  const six = await turnOf(killed);
  six?.say({ type: "step_started", model: "m" });
  six?.say({ type: "text_delta", text: `[${killed}]` });
  call(six, "call_6");
  const kept = await prompt("kept");
  seal();
  kill(world);
  world = await surely(open);
  await surely(() => world.openWorkspace());
  attach();
  await over(killed);
  answer(await turnOf(kept));
  await over(kept);

  // And whatever happened, the next prompt runs.
  const last = await prompt("last");
  const seven = await turnOf(last);
  assert.ok(seven, "G16: the next prompt runs");
  answer(seven);
  await over(last);
  await until(() => world.isAtRest() || undefined, "rest");
  await pass();
  seal();
  return { world, wid, sid, accepted, deleted, told };

  /** What was told to whoever was there is what is stored of that time. */
  function seal() {
    const reader = told.at(-1);
    if (reader === undefined) throw new Error("nobody is attached");
    reader.from = reader.events[0]?.seq ?? 0;
    reader.until = reader.events.at(-1)?.seq ?? 0;
  }
}
