import type { Ledger, LedgerTx, SessionChange } from "../agent/ledger.ts";
import { publicRun, type RunRecord } from "../agent/run-record.ts";
import { HearthError } from "../protocol/errors.ts";
import type { HearthEvent, NewEvent } from "../protocol/events.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { Message, Part } from "../protocol/message.ts";
import type { Plan } from "../protocol/plan.ts";
import type { Session } from "../protocol/session.ts";
import { addUsage } from "../protocol/usage.ts";
import type { EventHub } from "./event-hub.ts";
import { newAgentSession } from "./store/agent-sessions.ts";
import type { Durability, Store } from "./store/open.ts";
import type { StoredSession } from "./store/sessions.ts";
import { createTextStream, type TextStream } from "./text-stream.ts";
import { titleOf } from "./title.ts";

type JournalDeps = {
  store: Store;
  hub: EventHub;
  now: () => Date;
  /** A session as the world sees it: the stored row and what only its runs know. */
  present(session: StoredSession, runtime: { running: boolean; queued: number }): Session;
  /** Withdraws the open questions of a run that ends. */
  cancelQuestions(tx: JournalTx, run: RunRecord): void;
};

/** One transaction on a workspace. */
export type JournalTx = { publish(event: NewEvent): void };

export type Journal = ReturnType<typeof createJournal>;

/** Joins the store and the hub: what is published was committed, in the same order. */
export function createJournal({ store, hub, now, present, cancelQuestions }: JournalDeps) {
  const texts = new Map<SessionId, { wid: WorkspaceId; text: TextStream }>();
  let current: { publish: JournalTx; wid: WorkspaceId; afterwards: (() => void)[] } | null = null;

  function textOf(wid: WorkspaceId, sid: SessionId): TextStream {
    const known = texts.get(sid)?.text;
    if (known) return known;
    const text = createTextStream({
      tell(delta) {
        // Without a number it stays untold: its offset shows the gap, and the message that settles it has it.
        if (canReserve(wid)) hub.stream(wid, { type: "part.delta", session_id: sid, payload: delta });
      },
      write(tails) {
        store.transaction("relaxed", () => {
          for (const tail of tails) store.messages.appendDelta(tail.part_id, tail.text);
        });
      },
    });
    texts.set(sid, { wid, text });
    return text;
  }

  function canReserve(wid: WorkspaceId): boolean {
    try {
      hub.reserve(wid);
      return true;
    } catch (error) {
      if (error instanceof HearthError) return false;
      throw error;
    }
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

  /** Joins the transaction that is running on the same workspace. Throws store_unavailable: then nothing happened. */
  function commit<T>(wid: WorkspaceId, durability: Durability, write: (tx: JournalTx) => T): T {
    if (current !== null) {
      if (current.wid !== wid) throw new Error("one transaction writes to one workspace");
      return write(current.publish);
    }
    hub.reserve(wid);
    const frames: { seq: number; bytes: Buffer; event: HearthEvent }[] = [];
    const publish: JournalTx = { publish: (event) => void frames.push(hub.store(wid, event)) };
    const mine = { publish, wid, afterwards: [] as (() => void)[] };
    current = mine;
    let result: T;
    try {
      result = store.transaction(durability, () => write(publish));
    } finally {
      current = null;
    }
    for (const act of mine.afterwards) act();
    for (const frame of frames) hub.publish(wid, frame);
    return result;
  }

  function ledgerOf(wid: WorkspaceId, sid: SessionId): Ledger {
    const text = textOf(wid, sid);
    const withTx = (tx: JournalTx): LedgerTx => ({
      nextMessageSeq: () => store.messages.nextSeq(sid),
      putMessage(type: "message.created" | "message.updated", message: Message, parts?: readonly Part[]) {
        text.settle(message.id);
        store.messages.put(message, parts);
        current?.afterwards.push(() => text.settled((parts ?? message.parts).map((part) => part.id)));
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
    return {
      commit: (durability, write) => commit(wid, durability, (tx) => write(withTx(tx))),
      appendText: (delta) => text.append(delta),
      loadTranscript() {
        text.flush();
        const unstarted = store.runs.unstarted(sid);
        return store.messages
          .page(sid, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
          .filter((message) => !unstarted.has(message.run_id));
      },
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
    current?.afterwards.push(() => void told.set(sid, key));
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
