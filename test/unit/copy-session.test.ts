import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type { SessionId, WorkspaceId } from "../../src/protocol/ids.ts";
import type { Message } from "../../src/protocol/message.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { copySession, dropSession } from "../../src/server/fork/copy-session.ts";
import { openStore } from "../../src/server/store/open.ts";
import type { StoredSession } from "../../src/server/store/sessions.ts";
import { createTranscript } from "../../src/server/transcript.ts";
import { newId } from "../support/scripted-session.ts";

const wid: WorkspaceId = newId("ws");
const at = "2026-01-01T00:00:00.000Z";
const ALL = Number.MAX_SAFE_INTEGER;

const sessionOf = (id: SessionId): StoredSession => ({
  ...{ id, workspace_id: wid, title: "long", agent: "hearth", model: null, mode: "ask", agent_mode: null },
  ...{ isolation: "in_place", parent_id: null, archived: false, created_at: at, updated_at: at },
  ...{ usage: noUsage, cost: 0 },
});

/** A session of so many messages of 20 KB, in a store of its own. */
function openLongSession(count: number) {
  const dir = mkdtempSync(join(tmpdir(), "hearth-store-"));
  const store = openStore(join(dir, "hearth.db"));
  onTestFinished(() => {
    store.close();
    rmSync(dir, { recursive: true });
  });
  const sid = newId("ses");
  const run = newId("run");
  const message = (seq: number): Message => ({
    ...{
      id: newId("msg"),
      session_id: sid,
      run_id: run,
      seq,
      role: "assistant",
      agent: "hearth",
      model: null,
    },
    parts: [{ id: newId("prt"), type: "text", text: `${seq} `.repeat(5000) }],
    ...{ finish_reason: "end_turn", created_at: at, updated_at: at, completed_at: at },
  });
  store.transaction("relaxed", () => {
    store.workspaces.insert(wid, dir, at);
    store.sessions.insert(sessionOf(sid));
    for (let seq = 1; seq <= count; seq += 1) store.messages.put(message(seq));
  });
  const texts = (of: SessionId) =>
    store.messages
      .page(of, ALL, ALL)
      .map(({ parts }) => (parts[0] && "text" in parts[0] ? parts[0].text : ""));
  const listed = () => store.sessions.page(wid, { limit: 100, archived: null }).map(({ id }) => id);
  return { store, sid, message, texts, listed };
}

test("a long session is copied in turns, and nobody sees the copy before it is whole", async () => {
  const { store, sid, texts, listed } = openLongSession(1000);
  const fork = newId("ses");
  let turns = 0;
  await copySession(sid, sessionOf(fork), 900, {
    store,
    newId,
    mustGoOn() {
      turns += 1;
      expect(listed()).toEqual([sid]);
      expect(store.sessions.get(fork)).toBeUndefined();
    },
  });
  expect(turns).toBeGreaterThan(1);
  store.sessions.show(fork);
  expect(listed()).toEqual([fork, sid]);
  expect(texts(fork)).toEqual(texts(sid).slice(0, 900));
});

test("a copy that cannot go on leaves nothing", async () => {
  const { store, sid } = openLongSession(1000);
  const fork = newId("ses");
  const mustGoOn = () => {
    throw new Error("the daemon stops");
  };
  const copy = copySession(sid, sessionOf(fork), ALL, { store, newId, mustGoOn });
  await expect(copy).rejects.toThrow("the daemon stops");
  expect(store.sessions.hidden()).toEqual([]);
  expect(store.messages.heads(fork, ALL, 1)).toEqual([]);
});

test("a session that is deleted while it is copied is not copied", async () => {
  const { store, sid } = openLongSession(1000);
  const fork = newId("ses");
  const mustGoOn = () => store.sessions.remove(sid);
  const copy = copySession(sid, sessionOf(fork), ALL, { store, newId, mustGoOn });
  await expect(copy).rejects.toThrow("was deleted");
  expect(store.sessions.hidden()).toEqual([]);
});

test("a hidden session is nowhere, and is dropped with all it holds", async () => {
  const { store, sid, listed } = openLongSession(300);
  store.sessions.hide(sid);
  expect(store.sessions.get(sid)).toBeUndefined();
  expect(listed()).toEqual([]);
  expect(store.sessions.hidden()).toEqual([sid]);
  await dropSession(sid, store);
  expect(store.sessions.hidden()).toEqual([]);
  expect(store.messages.heads(sid, ALL, 1)).toEqual([]);
});

test("a transcript that was read ahead is told as the store has it now", async () => {
  const { store, sid, message } = openLongSession(3);
  const transcript = createTranscript(store, sid);
  await transcript.readAhead();
  const [first, second] = store.messages.page(sid, ALL, ALL);
  if (first === undefined || second === undefined) throw new Error("two messages were written");
  const changed = { ...second, parts: [], updated_at: "2026-01-02T00:00:00.000Z" };
  store.messages.replaceParts(changed);
  store.messages.put(message(4));
  expect(transcript.load()).toEqual(store.messages.page(sid, ALL, ALL));
  expect(transcript.load()[0]).toEqual(first);
});
