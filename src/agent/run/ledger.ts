import type { NewEvent, PartDelta } from "../../protocol/events.ts";
import type { MessageId } from "../../protocol/ids.ts";
import type { Message, Part } from "../../protocol/message.ts";
import type { Plan } from "../../protocol/plan.ts";
import type { RunCompleted } from "../../protocol/run.ts";
import type { Usage } from "../../protocol/usage.ts";
import type { RunRecord } from "./record.ts";

/**
 * One session's book: what the coordinator writes to the store and tells the world. The daemon implements it;
 * nothing here knows SQL or HTTP.
 */
export type Ledger = {
  /**
   * One transaction; its events are published when it has committed and not before. `synced`: on the disk, not
   * only written. Throws HearthError store_unavailable, and then nothing was written or published.
   */
  commit<T>(durability: "relaxed" | "synced", write: (tx: LedgerTx) => T): T;
  /**
   * Streams text into a part that is already stored: written within 50 ms or 4 KB, and told then. Throws
   * store_unavailable when text has waited for the store for seconds; the run must end, and its end has all of it.
   */
  appendText(delta: PartDelta): void;
  /** Reads what `loadTranscript` will say in short turns of the event loop: of a long session that takes seconds. */
  readAhead(): Promise<void>;
  /** The messages of every run that neither waits nor was taken back before it started, oldest first. */
  loadTranscript(): Message[];
};

export type LedgerTx = {
  nextMessageSeq(): number;
  /** A message as the store has it. */
  storedMessage(id: MessageId): Message | undefined;
  /** Writes the message and the parts named (all of them by default), and publishes the whole message. */
  putMessage(event: "message.created" | "message.updated", message: Message, parts?: readonly Part[]): void;
  /** For an edited prompt: its parts become these and no others. */
  replaceMessage(message: Message): void;
  insertRun(run: RunRecord): void;
  putRun(run: RunRecord, event: "run.accepted" | "run.queued" | "run.held" | "run.started" | null): void;
  completeRun(run: RunRecord, payload: RunCompleted): void;
  /** Open questions of a run that ends are withdrawn everywhere. */
  cancelQuestions(run: RunRecord): void;
  /** Tells the world when state, queue, usage or use of the session has changed. */
  sessionChanged(change: SessionChange): void;
  /** What an agent means to do now. */
  putPlan(entries: Plan["entries"]): void;
  publish(event: NewEvent): void;
};

export type SessionChange = {
  /** A run is opening or active. */
  running: boolean;
  queued: number;
  /** A prompt was sent: it becomes the most recently used; the first one names it. */
  prompt?: string;
  /** What a run that ends has used, on behalf of its agent. */
  used?: { agent: string; usage: Usage; cost: number; seen_seq?: number };
};
