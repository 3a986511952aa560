import type { HearthError } from "../../protocol/errors.ts";
import type { NewEvent, PartDelta } from "../../protocol/events.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { Message, Part } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan.ts";
import type { RunCompleted } from "../../protocol/run.ts";
import type { Usage } from "../../protocol/usage.ts";
import type { RunRecord } from "./record.ts";

/**
 * What the coordinator stores and publishes for one session. The daemon implements it; nothing here knows SQL or HTTP.
 */
export type Ledger = {
  /**
   * Runs one transaction and publishes its events once it has committed. `synced`: on disk when this returns. If it
   * throws HearthError store_unavailable, nothing was stored or published.
   */
  commit<T>(durability: "relaxed" | "synced", write: (tx: LedgerTx) => T): T;
  /**
   * Adds text to a stored part: stored within 50 ms or 4 KB, then published. Throws store_unavailable when text has
   * waited for the store for seconds; the run must then end, and its end has all the text. Where nothing
   * follows that could throw, `whenOverdue` is called instead, once.
   */
  appendText(delta: PartDelta, whenOverdue: (error: HearthError) => void): void;
  /** Reads ahead for `loadTranscript` in short turns of the event loop: a long session takes seconds. */
  readAhead(): Promise<void>;
  /** The messages of all runs that neither wait nor were withdrawn before they started, oldest first. */
  loadTranscript(): Message[];
};

export type LedgerTx = {
  nextMessageSeq(): number;
  /** A message as the store has it. */
  storedMessage(id: MessageId): Message | undefined;
  /** Stores the message and the given parts (default: all), and publishes the whole message. */
  putMessage(event: "message.created" | "message.updated", message: Message, parts?: readonly Part[]): void;
  /** Replaces all parts of an edited prompt. */
  replaceMessage(message: Message): void;
  insertRun(run: RunRecord): void;
  putRun(run: RunRecord, event: "run.accepted" | "run.queued" | "run.held" | "run.started" | null): void;
  /** `own`: what it used without its sub-agents, whose runs count by themselves. */
  completeRun(run: RunRecord, payload: RunCompleted, own: { usage: Usage; cost: number }): void;
  /** Withdraws the open questions of a run that ends. */
  cancelQuestions(run: RunRecord): void;
  /** Publishes the session if its state, queue, usage or order has changed. */
  sessionChanged(change: SessionChange): void;
  /** Stores the agent's present plan. */
  putPlan(entries: Plan["entries"]): void;
  publish(event: NewEvent): void;
};

export type SessionChange = {
  /** A run is opening or active. */
  running: boolean;
  queued: number;
  /** A prompt was sent: the session becomes the most recently used, and the first prompt names it. */
  prompt?: string;
  /** The usage of a run that ends, and its agent. */
  used?: { agent: string; usage: Usage; cost: number; seen_seq?: number };
};
