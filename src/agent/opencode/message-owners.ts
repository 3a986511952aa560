import { createBoundedMap } from "../bounded-map.ts";
import type { AssistantInfo } from "./wire.ts";

/** Messages of a session whose turn is remembered: late events come soon. */
const KNOWN_MAX = 2000;

/** Whose a message of the agent is: of that turn, or of nobody. */
type Owner = { turn: symbol } | "nobody";
/** How a prompt's turn went. `stopped`: what comes behind it is nobody's. */
type Past = "running" | "done" | "stopped";

export type OwnWork = ReturnType<typeof createOwnWork>;

/**
 * Whose words are whose in one session. A message that answers a prompt is of that prompt's turn; one that answers
 * something else (opencode writes such prompts itself when a command in the background ends) is of the turn that runs,
 * or of a turn of its own that `onWork` asks for. Behind a turn that was stopped or failed it is nobody's.
 */
export function createOwnWork({ session_id, onWork }: { session_id: string; onWork(): void }) {
  const owners = createBoundedMap<string, Owner>(KNOWN_MAX);
  const prompts = createBoundedMap<string, Past>(KNOWN_MAX);
  let current: { turn: symbol; since: number } | null = null;
  let rest: "done" | "stopped" = "stopped";
  /** The turn of its own that is asked for: its words wait for it. */
  let waking: { turn: symbol; since: number } | null = null;

  function ownerOf({ parentID, time, summary }: AssistantInfo, isStored: boolean): Owner {
    const past = prompts.get(parentID);
    if (past === "stopped" || summary === true) return "nobody";
    const taker = current ?? waking;
    if (taker !== null) {
      // What is stored tells of every turn there was, also before this daemon.
      const isOld = past !== "running" && isStored && time.created < taker.since;
      return isOld ? "nobody" : { turn: taker.turn };
    }
    if (isStored || rest === "stopped") return "nobody";
    waking = { turn: Symbol("own work"), since: time.created };
    return { turn: waking.turn };
  }

  return {
    /** A turn begins: of that prompt, or (null) of what it does by itself. */
    begin(message_id: string | null, now: number): symbol {
      // What came before the prompt was sent is told with it.
      const turn = waking?.turn ?? Symbol("turn");
      current = { turn, since: waking?.since ?? now };
      waking = null;
      if (message_id !== null) prompts.set(message_id, "running");
      return turn;
    },
    end(message_id: string | null, isDone: boolean) {
      current = null;
      rest = isDone ? "done" : "stopped";
      if (message_id !== null) prompts.set(message_id, rest);
    },
    /** The turn whose message that is; undefined where it is nobody's. */
    turnOf(info: AssistantInfo, isStored: boolean): symbol | undefined {
      if (info.sessionID !== session_id) return undefined;
      let owner = owners.get(info.id);
      if (owner === undefined) {
        const wasAwake = waking !== null;
        owner = ownerOf(info, isStored);
        owners.set(info.id, owner);
        if (!wasAwake && waking !== null) onWork();
      }
      return owner === "nobody" ? undefined : owner.turn;
    },
  };
}
