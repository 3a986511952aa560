import type { Ledger, LedgerTx, SessionChange } from "../../agent/run/ledger.ts";
import { publicRun, type RunRecord } from "../../agent/run/record.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { NewEvent } from "../../protocol/events.ts";
import type { SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Message, Part } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan.ts";
import type { Session } from "../../protocol/session.ts";
import { addUsage } from "../../protocol/usage.ts";
import { newAgentSession } from "../store/agent-sessions.ts";
import type { Durability, Store } from "../store/open.ts";
import type { StoredSession } from "../store/sessions.ts";
import { titleOf } from "../title.ts";
import { createTranscript } from "../transcript.ts";
import { createDeltaBatcher, type DeltaBatcher } from "./delta-batcher.ts";
import type { EventHub } from "./hub.ts";

/** A snapshot says the same; so many may come and go while the store is away. */
const OWED_MAX = 1000;

type JournalDeps = {
  store: Store;
  hub: EventHub;
  now: () => Date;
  /** A session as the world sees it: the stored row and what only its runs know. */
  present(session: StoredSession, runtime: { running: boolean; queued: number }): Session;
  /** Withdraws the open questions of a run that ends. */
  cancelQuestions(tx: JournalTx, run: RunRecord): void;
  /** What goes wrong after a commit: nobody can be told that it failed. */
  report(message: string, cause: unknown): void;
  /** Milliseconds that only ever rise. */
  monotonicMs(): number;
};

/** One transaction on a workspace. */
export type JournalTx = {
  /** Told when the transaction has committed, in the order of these calls. */
  publish(event: NewEvent): void;
  /** What follows in memory; not done when the transaction fails. */
  afterCommit(act: () => void): void;
};

export type Journal = ReturnType<typeof createJournal>;

/** Joins the store and the hub: what is published was committed, in the same order. */
export function createJournal(deps: JournalDeps) {
  const { store, hub, now, present, cancelQuestions, report } = deps;
  const texts = new Map<SessionId, { wid: WorkspaceId; text: DeltaBatcher }>();
  let current: { tx: JournalTx; wid: WorkspaceId } | null = null;
  /** What follows commits, oldest first: whatever a reader does meanwhile comes after it. */
  const outbox: (() => void)[] = [];
  let isTelling = false;
  /** What the store did not take when it happened: it goes with the next commit. */
  const owed = new Map<WorkspaceId, NewEvent[]>();

  function textOf(wid: WorkspaceId, sid: SessionId): DeltaBatcher {
    const known = texts.get(sid)?.text;
    if (known) return known;
    const text = createDeltaBatcher({
      write(deltas) {
        if (current !== null) throw new Error("text is written in a transaction of its own");
        hub.reserve(wid);
        store.transaction("relaxed", () => {
          for (const { part_id, text } of deltas) store.messages.appendDelta(part_id, text);
        });
      },
      tell: (delta) =>
        follow([() => hub.stream(wid, { type: "part.delta", session_id: sid, payload: delta })]),
      report,
      monotonicMs: deps.monotonicMs,
    });
    texts.set(sid, { wid, text });
    return text;
  }

  /**
   * What was committed happened: it is told whatever goes wrong on the way, in one order. Something that is
   * committed while this goes on waits behind it.
   */
  function follow(acts: readonly (() => void)[]) {
    outbox.push(...acts);
    if (isTelling) return;
    isTelling = true;
    for (let act = outbox.shift(); act !== undefined; act = outbox.shift()) {
      try {
        act();
      } catch (error) {
        report("what follows a commit failed", error);
      }
    }
    isTelling = false;
  }

  /**
   * For what nobody waits for and every snapshot says, too: whether it was told. A store that cannot be written
   * now must keep nobody from reading.
   */
  function tellIfPossible(wid: WorkspaceId, write: (tx: JournalTx) => void): boolean {
    try {
      commit(wid, "relaxed", write);
      return true;
    } catch (error) {
      if (error instanceof HearthError && error.code === "store_unavailable") return false;
      throw error;
    }
  }

  /** For what has happened and no store can undo, like who is there: now, or with the next thing that is told. */
  function tellEventually(wid: WorkspaceId, ...events: NewEvent[]) {
    owed.set(wid, [...(owed.get(wid) ?? []), ...events].slice(-OWED_MAX));
    tellIfPossible(wid, () => {});
  }

  /**
   * Joins the transaction that is running on the same workspace; one that is not synced cannot be joined by one that
   * has to be. Throws store_unavailable: then nothing happened.
   */
  function commit<T>(wid: WorkspaceId, durability: Durability, write: (tx: JournalTx) => T): T {
    if (current !== null) {
      const { tx } = current;
      if (current.wid !== wid) throw new Error("one transaction writes to one workspace");
      return store.transaction(durability, () => write(tx));
    }
    hub.reserve(wid);
    const frames: (() => void)[] = [];
    const acts: (() => void)[] = [];
    const tx: JournalTx = {
      publish(event) {
        const frame = hub.store(wid, event);
        frames.push(() => hub.publish(wid, frame));
      },
      afterCommit: (act) => void acts.push(act),
    };
    current = { tx, wid };
    let result: T;
    try {
      result = store.transaction(durability, () => {
        for (const event of owed.get(wid) ?? []) tx.publish(event);
        return write(tx);
      });
    } finally {
      current = null;
    }
    owed.delete(wid);
    follow([...acts, ...frames]);
    return result;
  }

  function ledgerOf(wid: WorkspaceId, sid: SessionId): Ledger {
    const text = textOf(wid, sid);
    const withTx = (tx: JournalTx): LedgerTx => ({
      nextMessageSeq: () => store.messages.nextSeq(sid),
      storedMessage: (id) => store.messages.get(id),
      putMessage(type: "message.created" | "message.updated", message: Message, parts?: readonly Part[]) {
        store.messages.put(message, parts);
        // The event holds all the text that there is, so the rows have to.
        const whole = new Set((parts ?? message.parts).map(({ id }) => id));
        for (const { part_id, text: tail } of text.unwritten(message.id))
          if (!whole.has(part_id)) store.messages.appendDelta(part_id, tail);
        tx.afterCommit(() => text.settled(message.id));
        tx.publish({ type, session_id: sid, payload: { message: publicMessage(message) } });
      },
      replaceMessage(message) {
        store.messages.replaceParts(message);
        tx.publish({
          type: "message.updated",
          session_id: sid,
          payload: { message: publicMessage(message) },
        });
      },
      insertRun: (run) => store.runs.insert(run),
      putRun(run, type) {
        store.runs.update(run);
        if (type !== null) tx.publish({ type, session_id: sid, payload: { run: publicRun(run) } });
      },
      completeRun(run, payload) {
        store.runs.update(run);
        store.runUsage.put(wid, run);
        tx.publish({ type: "run.completed", session_id: sid, payload });
      },
      cancelQuestions: (run) => cancelQuestions(tx, run),
      sessionChanged: (change) => changeSession(tx, sid, change),
      putPlan: (entries) => changePlan(tx, sid, entries),
      publish: (event) => tx.publish(event),
    });
    const transcript = createTranscript(store, sid);
    return {
      commit: (durability, write) => commit(wid, durability, (tx) => write(withTx(tx))),
      appendText: (delta) => text.append(delta),
      loadTranscript() {
        text.flush();
        return transcript.load();
      },
      readAhead: transcript.readAhead,
    };
  }

  /** The last session told, by id: what has not changed is not told again. */
  const told = new Map<SessionId, string>();

  function changeSession(tx: JournalTx, sid: SessionId, change: SessionChange) {
    const before = store.sessions.get(sid);
    if (before === undefined) return;
    const { used, prompt } = change;
    const changed = used !== undefined || prompt !== undefined;
    const session: StoredSession = changed
      ? {
          ...before,
          title: before.title === "" && prompt !== undefined ? titleOf(prompt) : before.title,
          usage: used ? addUsage(before.usage, used.usage) : before.usage,
          cost: before.cost + (used?.cost ?? 0),
          updated_at: now().toISOString(),
        }
      : before;
    if (changed) store.sessions.update(session);
    if (prompt !== undefined) store.sessions.touch(sid);
    if (used) addToAgentSession(sid, used);
    const shown = present(session, change);
    const key = JSON.stringify(shown);
    if (told.get(sid) === key) return;
    tx.afterCommit(() => void told.set(sid, key));
    tx.publish({ type: "session.updated", session_id: sid, payload: { session: shown } });
  }

  /** An empty list: there is no plan any more. */
  function changePlan(tx: JournalTx, sid: SessionId, entries: Plan["entries"]) {
    store.sessions.setPlan(sid, entries);
    tx.publish({
      type: "plan.updated",
      session_id: sid,
      payload: { plan: { session_id: sid, entries } },
    });
  }

  function addToAgentSession(sid: SessionId, used: NonNullable<SessionChange["used"]>) {
    const row = store.agentSessions.get(sid, used.agent) ?? newAgentSession(sid, used.agent, "native");
    store.agentSessions.put({
      ...row,
      seen_seq: used.seen_seq ?? row.seen_seq,
      input_tokens: row.input_tokens + used.usage.input_tokens,
      output_tokens: row.output_tokens + used.usage.output_tokens,
      cost: row.cost + used.cost,
      last_active_at: now().toISOString(),
    });
  }

  return {
    commit,
    tellIfPossible,
    tellEventually,
    /** Tells what cannot be stored, as the store is what cannot be written. Nothing while no number is left for it. */
    tellUnstored: (wid: WorkspaceId, event: Extract<NewEvent, { type: "workspace.updated" }>) =>
      follow([() => hub.stream(wid, event)]),
    ledgerOf,
    changeSession,
    changePlan,
    /** What has been streamed is told and stored: a snapshot read now is whole. */
    flush(wid: WorkspaceId) {
      for (const entry of texts.values()) if (entry.wid === wid) entry.text.flush();
    },
    forgetSession(sid: SessionId) {
      told.delete(sid);
      texts.get(sid)?.text.close();
      texts.delete(sid);
    },
    close() {
      for (const { text } of texts.values()) text.close();
    },
  };
}

/** Bytes that a client sent as an attachment do not travel back to every client with every event. */
export const publicMessage = (message: Message): Message =>
  message.parts.some((part) => part.type === "file" && part.data !== undefined)
    ? {
        ...message,
        parts: message.parts.map((part) => {
          if (part.type !== "file") return part;
          const { data: _, ...rest } = part;
          return rest;
        }),
      }
    : message;
