import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { BackendEvent } from "../../src/agent/backend.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";
import type { Message, Part } from "../../src/protocol/message.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { createFaultyStore, type Fault } from "../support/faulty-store.ts";
import { createScriptedBackend, newId, openSession } from "../support/scripted-session.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A session's ledger, what a client that was there from the beginning is told, and the store under both. */
function open() {
  const dir = mkdtempSync(join(tmpdir(), "hearth-journal-"));
  let fault: Fault | null = null;
  const session = openSession(join(dir, "hearth.db"), createScriptedBackend().backend, {
    store: (real) => createFaultyStore(real, () => fault).store,
  });
  const told: HearthEvent[] = [];
  const { wid, sid, hub, journal } = session;
  hub.subscribe(wid, { id: "c", kind: "tui", label: "", attached_at: "" }, null, {
    send(frame) {
      told.push(JSON.parse(/^data: (.*)$/m.exec(frame.toString())?.[1] ?? "{}"));
    },
    whenDrained: () => {},
    end: () => {},
  });
  onTestFinished(() => {
    session.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const part: Part = { id: newId("prt"), type: "text", text: "" };
  const message: Message = {
    ...{ id: newId("msg"), session_id: sid, run_id: newId("run"), seq: 1, role: "assistant", agent: "x" },
    ...{
      model: null,
      parts: [part],
      finish_reason: null,
      created_at: "",
      updated_at: "",
      completed_at: null,
    },
  };
  const ledger = journal.ledgerOf(wid, sid);
  ledger.commit("relaxed", (tx) => tx.putMessage("message.created", message));
  let length = 0;
  const overdue: string[] = [];
  return {
    session,
    ledger,
    told,
    overdue,
    message,
    part,
    set: (next: Fault | null) => {
      fault = next;
    },
    say(text: string) {
      const delta = {
        message_id: message.id,
        part_id: part.id,
        field: "text",
        offset: length,
        text,
      } as const;
      ledger.appendText(delta, (error) => overdue.push(error.message));
      length += text.length;
    },
    toldText: () =>
      told.flatMap((event) => (event.type === "part.delta" ? [event.payload.text] : [])).join(""),
    storedText: () =>
      session.store.messages
        .get(message.id)
        ?.parts.flatMap((p) => ("text" in p ? [p.text] : []))
        .join(""),
  };
}

test("an event of a transaction reaches those who read along although text was waiting to be told", () => {
  const here = open();
  here.say("one ");
  here.say("two");
  const notice: Part = { id: newId("prt"), type: "notice", level: "info", code: "x", text: "n" };
  here.ledger.commit("relaxed", (tx) => {
    tx.putPlan([{ content: "first", status: "pending" }]);
    const parts = [{ ...here.part, text: "one two" } as Part, notice];
    tx.putMessage("message.updated", { ...here.message, parts }, [notice]);
  });
  expect(here.told.map(({ type }) => type)).toEqual([
    "message.created",
    "part.delta",
    "plan.updated",
    "message.updated",
  ]);
  const seqs = here.told.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  // The event says all of it, so the rows have it too, and it is not told again.
  expect(here.storedText()).toBe("one twon");
  vi.advanceTimersByTime(1000);
  expect(here.toldText()).toBe("one ");
  here.say(" three");
  vi.advanceTimersByTime(1000);
  expect(here.storedText()).toBe("one two threen");
});

test("text that cannot be written is not told, and is told once when it can", () => {
  const here = open();
  here.set("full");
  here.say("one ");
  here.say("two");
  vi.advanceTimersByTime(1000);
  expect([here.toldText(), here.storedText()]).toEqual(["", ""]);
  here.set(null);
  vi.advanceTimersByTime(1000);
  expect([here.toldText(), here.storedText()]).toEqual(["one two", "one two"]);
});

test("text that has waited for seconds is refused, so that its run ends", () => {
  const here = open();
  here.set("locked");
  let now = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => now);
  here.say("one ");
  now += 1500;
  here.say("two ");
  now += 1500;
  expect(() => here.say("three")).toThrow(/another program holds it/);
  vi.restoreAllMocks();
  here.set(null);
  // The event that ends it has all that was said.
  const parts = [{ ...here.part, text: "one two three" } as Part];
  here.ledger.commit("synced", (tx) => tx.putMessage("message.updated", { ...here.message, parts }));
  vi.advanceTimersByTime(5000);
  expect([here.toldText(), here.storedText()]).toEqual(["", "one two three"]);
});

test("text that waits for seconds and that nothing follows is told of, once, so that its run ends too", () => {
  const here = open();
  here.set("full");
  let now = performance.now();
  vi.spyOn(performance, "now").mockImplementation(() => now);
  here.say("one ");
  now += 1500;
  vi.advanceTimersByTime(300);
  expect(here.overdue).toEqual([]);
  now += 1500;
  vi.advanceTimersByTime(3000);
  vi.restoreAllMocks();
  expect(here.overdue).toEqual([expect.stringMatching(/disk is full/)]);
});

test("what has to be on the disk joins no transaction that need not be", () => {
  const { session, ledger } = open();
  const { journal, wid } = session;
  const inner = () => journal.commit(wid, "synced", () => {});
  expect(() => ledger.commit("relaxed", inner)).toThrow(/has to be on the disk/);
  expect(() => ledger.commit("synced", inner)).not.toThrow();
});

test("what goes wrong behind a commit is reported: nobody is told that it failed", () => {
  const { session, told } = open();
  const { journal, wid, sid } = session;
  journal.commit(wid, "relaxed", (tx) => {
    tx.afterCommit(() => {
      throw new Error("behind it");
    });
    tx.publish({
      type: "plan.updated",
      session_id: sid,
      payload: { plan: { session_id: sid, entries: [] } },
    });
  });
  expect(told.at(-1)?.type).toBe("plan.updated");
  expect(session.reports).toHaveLength(1);
});

test("what a step ends with is one transaction, and no part in it is written that is written already", async () => {
  const dir = mkdtempSync(join(tmpdir(), "hearth-journal-"));
  const scripted = createScriptedBackend();
  const written: string[] = [];
  let counted = { count: 0 };
  const session = openSession(join(dir, "hearth.db"), scripted.backend, {
    store(real) {
      const counting = createFaultyStore(real, () => null);
      counted = counting;
      const put: typeof real.messages.put = (message, parts = message.parts) => {
        written.push(parts.map(({ type }) => type).join(" "));
        real.messages.put(message, parts);
      };
      return { ...counting.store, messages: { ...real.messages, put } };
    },
  });
  onTestFinished(() => {
    session.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const { coordinator } = session;
  coordinator.accept({
    ...{ run_id: newId("run"), prompt: "go", attachments: [], agent: "scripted", model: null, mode: null },
    ...{ delivery: "queue", env: {}, max_steps: null, on_question: "wait", request_hash: "", by: "c" },
  });
  await scripted.until(() => scripted.turns.length > 0);
  const [turn] = scripted.turns;
  const call = { type: "tool_call", tool_call_id: "c", name: "bash", kind: "execute", title: "x" } as const;
  const commits = (...events: BackendEvent[]) => {
    const before = counted.count;
    written.length = 0;
    turn?.say(...events);
    return { commits: counted.count - before, written: [...written] };
  };
  commits({ type: "step_started", model: "m" });
  commits({ type: "text_delta", text: "Looking." });
  commits({ ...call, input: {}, status: "pending" });
  expect(
    commits(
      { ...call, input: { command: "ls" }, status: "pending" },
      { type: "step_finished", finish_reason: "tool_use", usage: noUsage, cost: 0 },
    ),
  ).toEqual({ commits: 1, written: ["text tool_call"] });
  const done = { type: "tool_call_updated", tool_call_id: "c", status: "completed", output: "a" } as const;
  expect(commits(done)).toEqual({ commits: 1, written: ["tool_call"] });
  expect(commits({ type: "step_started", model: "m" })).toEqual({ commits: 1, written: ["", ""] });
  const [, answer] = session.store.messages.page(session.sid, Number.MAX_SAFE_INTEGER, 10);
  expect(answer?.parts).toMatchObject([
    { type: "text", text: "Looking." },
    { type: "tool_call", status: "completed", input: { command: "ls" }, output: "a" },
  ]);
  turn?.end({ outcome: "end_turn" });
  expect(session.reports).toEqual([]);
});
