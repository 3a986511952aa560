import type { HearthError } from "../../protocol/errors.ts";
import type { NewId, RunId, SessionId } from "../../protocol/ids.ts";
import type { Message } from "../../protocol/message.ts";
import { messageText } from "../../protocol/message-text.ts";
import type { Attachment } from "../../protocol/routes/runs.ts";
import type { RunCompleted } from "../../protocol/run.ts";
import { type AcceptedPrompt, attachmentsOf, promptMessage, promptRun } from "./accepted-prompt.ts";
import type { Ledger, LedgerTx, SessionChange } from "./ledger.ts";
import type { RunRecord } from "./record.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import type { End, RunEffect } from "./state.ts";

type Entry = {
  run: RunRecord;
  message: Message;
  attachments: readonly Attachment[];
  /** When the run was accepted, later started, on the monotonic clock. Null: not by this daemon. */
  sinceMs: number | null;
  /** Set once the run has begun. */
  recorder?: Recorder;
};

/** The change in memory that a write makes, once its transaction has committed. */
export type Change = { apply(): void; used?: NonNullable<SessionChange["used"]> };

type RunBookDeps = {
  session_id: SessionId;
  ledger: Ledger;
  newId: NewId;
  now: () => Date;
  /** Milliseconds that only ever rise. */
  monotonicMs(): number;
};

const eventOfState = {
  accepted: "run.accepted",
  queued: "run.queued",
  held: "run.held",
  active: "run.started",
} as const;

/** This much of a prompt is enough to recognise it. */
const WITHDRAWN_CHARS_MAX = 200;

/** The notice for a prompt that was withdrawn from the queue. It was never part of the conversation. */
function withdrawn(prompt: Message) {
  const text = messageText(prompt).replace(/\s+/g, " ").trim();
  const shown =
    text.length > WITHDRAWN_CHARS_MAX ? `${text.slice(0, WITHDRAWN_CHARS_MAX).toWellFormed()}…` : text;
  return { code: "withdrawn", text: `Withdrawn before it began: ${shown}` };
}

export type RunBook = ReturnType<typeof createRunBook>;

/** A session's unfinished runs with their prompts, and how their changes are stored. */
export function createRunBook({ session_id, ledger, newId, now, monotonicMs }: RunBookDeps) {
  const entries = new Map<RunId, Entry>();
  let transcript: Message[] | null = null;
  const iso = () => now().toISOString();
  /** Appends to the transcript if it is in memory; otherwise it will be read from the store. */
  const remember = (message: Message) => void transcript?.push(message);

  function entryOf(id: RunId): Entry {
    const entry = entries.get(id);
    if (entry === undefined) throw new Error(`${id} is not an unfinished run of ${session_id}`);
    return entry;
  }

  /** A waiting prompt's message is last in the transcript. When the run starts, it gets its final seq. */
  function takePlace(tx: LedgerTx, { run, message }: Entry): Message {
    const seq = tx.nextMessageSeq();
    if (run.state === "accepted" && message.seq === seq - 1) return message;
    const placed = { ...message, seq, updated_at: iso() };
    tx.putMessage("message.updated", placed, []);
    return placed;
  }

  function writeState(tx: LedgerTx, id: RunId, state: keyof typeof eventOfState): Change {
    const entry = entryOf(id);
    const run: RunRecord = {
      ...entry.run,
      state,
      started_at: state === "active" ? iso() : entry.run.started_at,
    };
    const message = state === "active" ? takePlace(tx, entry) : entry.message;
    tx.putRun(run, eventOfState[state]);
    return {
      apply() {
        const sinceMs = state === "active" ? monotonicMs() : entry.sinceMs;
        entries.set(id, { ...entry, run, message, sinceMs });
        if (state === "active") remember(message);
      },
    };
  }

  function writeEnd(
    tx: LedgerTx,
    id: RunId,
    end: End,
    { by, storedOnly }: { by: string | null; storedOnly: boolean },
  ): Change {
    const entry = entryOf(id);
    const { run } = entry;
    const wasStarted = run.state === "active";
    const prompt = wasStarted ? null : takePlace(tx, entry);
    const recorder = entry.recorder ?? newRecorder(run);
    // A steering prompt has its answer in the turn that it joined.
    const wasWaiting = run.state === "queued" || run.state === "held";
    const said = prompt && wasWaiting && end.outcome === "canceled" ? withdrawn(prompt) : undefined;
    const last = end.outcome === "steered" && prompt ? prompt : recorder.end(tx, end, { said, storedOnly });
    const at = iso();
    const ended: RunRecord = {
      ...run,
      state: "completed",
      outcome: end.outcome,
      error: end.error ?? null,
      completed_at: at,
      canceled_by: end.outcome === "canceled" ? by : null,
      // The model that answered. The requested one may be null or an alias.
      model: (last.role === "assistant" ? last.model : null) ?? run.model,
      usage: recorder.usage,
      cost: recorder.cost,
    };
    tx.cancelQuestions(ended);
    const completed: RunCompleted = {
      run_id: id,
      session_id,
      agent: run.agent,
      outcome: end.outcome,
      ...(end.error ? { error: end.error } : {}),
      message_id: last.id,
      text: last.role === "assistant" ? recorder.answerText(last) : "",
      usage: ended.usage,
      cost: ended.cost,
      duration_ms: durationOf(entry, at),
      canceled_by: ended.canceled_by,
    };
    tx.completeRun(ended, completed, recorder.own);
    const used = {
      ...{ agent: run.agent, usage: ended.usage, cost: ended.cost },
      // If the prompt never reached the agent, a later handover must include it.
      ...(recorder.wasPrompted ? { seen_seq: last.seq } : {}),
    };
    return {
      ...(wasStarted ? { used } : {}),
      apply() {
        entries.delete(id);
        if (wasStarted) return remember(last);
        // A prompt that was withdrawn before it started is not part of the conversation; one that failed is.
        if (prompt === null || (end.outcome !== "steered" && end.outcome !== "error")) return;
        remember(prompt);
        if (last !== prompt) remember(last);
      },
    };
  }

  const durationOf = ({ run, sinceMs }: Entry, at: string): number =>
    sinceMs === null
      ? Math.max(0, Date.parse(at) - Date.parse(run.started_at ?? run.accepted_at))
      : Math.round(monotonicMs() - sinceMs);

  const newRecorder = (run: RunRecord, onOverdue: (error: HearthError) => void = () => {}) =>
    createRecorder({ run, ledger, newId, now, onSettled: remember, onOverdue });

  return {
    entryOf,
    /** Begins the run. `onOverdue`: what it says cannot be stored any more. */
    begin(id: RunId, onOverdue: (error: HearthError) => void): Recorder {
      const entry = entryOf(id);
      const recorder = newRecorder(entry.run, onOverdue);
      entries.set(id, { ...entry, recorder });
      return recorder;
    },
    find: (id: RunId): RunRecord | undefined => entries.get(id)?.run,
    /** The messages of all runs that neither wait nor were withdrawn, oldest first; cached from the first use on. */
    history(): Message[] {
      transcript ??= ledger.loadTranscript();
      return transcript;
    },
    /** Reads messages ahead for `history`; harmless to call again. */
    async readAhead() {
      if (transcript === null) await ledger.readAhead();
    },
    forgetHistory() {
      transcript = null;
    },
    insert(tx: LedgerTx, prompt: AcceptedPrompt): Message {
      const at = iso();
      const message = promptMessage(prompt, { session_id, seq: tx.nextMessageSeq(), newId, at });
      const run = promptRun(prompt, message.id, session_id, at);
      tx.insertRun(run);
      tx.putMessage("message.created", message);
      entries.set(run.id, { run, message, attachments: prompt.attachments, sinceMs: monotonicMs() });
      return message;
    },
    /** Forgets a prompt that was not accepted after all, or a run whose end cannot be stored. */
    discard: (id: RunId) => void entries.delete(id),
    /** `storedOnly`: uses the turn's messages only as far as they are stored. */
    write(tx: LedgerTx, effect: RunEffect, how: { by: string | null; storedOnly: boolean }): Change | null {
      if (effect.do === "record") return writeState(tx, effect.run_id, effect.state);
      if (effect.do === "complete") return writeEnd(tx, effect.run_id, effect.end, how);
      return null;
    },
    writeEdit(
      tx: LedgerTx,
      id: RunId,
      changes: { prompt?: string | undefined; delivery: RunRecord["delivery"] },
    ): Change {
      const entry = entryOf(id);
      const run: RunRecord = { ...entry.run, delivery: changes.delivery };
      const files = entry.message.parts.filter((part) => part.type === "file");
      const message: Message =
        changes.prompt === undefined
          ? entry.message
          : {
              ...entry.message,
              parts: [{ id: newId("prt"), type: "text", text: changes.prompt }, ...files],
              updated_at: iso(),
            };
      if (message !== entry.message) tx.replaceMessage(message);
      if (run.state !== "completed") tx.putRun(run, eventOfState[run.state]);
      return { apply: () => void entries.set(id, { ...entry, run, message }) };
    },
    /**
     * After a restart: adds an unfinished run from the store. Its messages are oldest first, starting with the
     * prompt's.
     */
    adopt(run: RunRecord, messages: readonly Message[]) {
      const [message, ...answers] = messages;
      if (message === undefined) throw new Error(`${run.id} has no message`);
      const recorder = newRecorder(run);
      recorder.adopt(answers);
      const begun = run.state === "active" ? { recorder } : {};
      entries.set(run.id, { run, message, attachments: attachmentsOf(message), sinceMs: null, ...begun });
    },
  };
}
