import { createBoundedMap } from "../bounded-map.ts";
import type { AssistantInfo } from "./wire.ts";

/** Messages whose owner is remembered. Late events come soon, so a bound is safe. */
const MESSAGES_MAX = 2000;

/** The turn that a message belongs to; "nobody": it is dropped. */
type Owner = { turn: symbol } | "nobody";
/** `stopped`: messages that answer this prompt later are dropped. */
type PromptState = "running" | "done" | "stopped";

export type MessageOwners = ReturnType<typeof createMessageOwners>;

/**
 * Assigns the messages of one session to turns. A message that answers hearth's prompt belongs to that prompt's turn.
 * One that answers another prompt (opencode writes one itself when a background command ends) belongs to the running
 * turn, or to a new turn that `onOwnWork` requests. After a stopped or failed turn it is dropped.
 */
export function createMessageOwners({ session_id, onOwnWork }: { session_id: string; onOwnWork(): void }) {
  const ownerById = createBoundedMap<string, Owner>(MESSAGES_MAX);
  const prompts = createBoundedMap<string, PromptState>(MESSAGES_MAX);
  let current: { turn: symbol; since: number } | null = null;
  let idle: "done" | "stopped" = "stopped";
  /** A turn that was requested for the agent's own work and has not begun. */
  let requested: { turn: symbol; since: number } | null = null;

  function ownerOf({ parentID, time, summary }: AssistantInfo, isStored: boolean): Owner {
    const prompt = prompts.get(parentID);
    if (prompt === "stopped" || summary === true) return "nobody";
    const active = current ?? requested;
    if (active !== null) {
      // Stored messages include those of all earlier turns, even from before this daemon.
      const isOld = prompt !== "running" && isStored && time.created < active.since;
      return isOld ? "nobody" : { turn: active.turn };
    }
    if (isStored || idle === "stopped") return "nobody";
    requested = { turn: Symbol("own turn"), since: time.created };
    return { turn: requested.turn };
  }

  return {
    /** A turn begins: for that prompt, or (null) for the agent's own work. */
    begin(message_id: string | null, now: number): symbol {
      // Messages that came before the prompt was sent belong to its turn.
      const turn = requested?.turn ?? Symbol("turn");
      current = { turn, since: requested?.since ?? now };
      requested = null;
      if (message_id !== null) prompts.set(message_id, "running");
      return turn;
    },
    end(message_id: string | null, isDone: boolean) {
      current = null;
      idle = isDone ? "done" : "stopped";
      if (message_id !== null) prompts.set(message_id, idle);
    },
    /** The turn that the message belongs to; undefined if it is dropped. */
    turnOf(info: AssistantInfo, isStored: boolean): symbol | undefined {
      if (info.sessionID !== session_id) return undefined;
      let owner = ownerById.get(info.id);
      if (owner === undefined) {
        const wasRequested = requested !== null;
        owner = ownerOf(info, isStored);
        ownerById.set(info.id, owner);
        if (!wasRequested && requested !== null) onOwnWork();
      }
      return owner === "nobody" ? undefined : owner.turn;
    },
  };
}
