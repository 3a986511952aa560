import type { RunError } from "../../protocol/run.ts";
import type { TurnResult } from "../backend.ts";

/**
 * The life of one turn in `opencode serve`: its prompt is posted, it works, and it settles, by its own end or once a
 * cancel has stopped it. Pure, synchronous, total; `turn.ts` does what an effect says. Idle and error events name just
 * a session, and after an abort they come twice and late (agents.md §5.3): they lead to a look at most, and only once
 * this turn was seen to be busy.
 */
export type TurnState =
  | {
      phase: "running";
      /** `lost`: no answer came to it, and the prompt may have been taken all the same. */
      post: "sent" | "lost" | "sent_again" | "answered";
      /** Its prompt was seen among the session's messages, … */
      isTaken: boolean;
      /** … then that the session is at work, … */
      wasBusy: boolean;
      /** … and a step of its own to its end. */
      isAnswered: boolean;
      /** What its own messages say of its end. */
      end: TurnResult | null;
      /** What the session was told to have failed with. */
      error: RunError | null;
      look: "none" | "under_way" | "due";
      /** The last look found nothing going on, and no answer: between taking a prompt and beginning it is idle, too. */
      wasIdle: boolean;
      /** `waiting`: an abort that comes before the prompt has nothing to stop. */
      cancel: "none" | "waiting" | "under_way";
    }
  | { phase: "settled" };

export type TurnEvent =
  | { type: "posted" }
  | { type: "post_lost"; error: RunError }
  /** Whether a prompt whose post was lost has come. */
  | { type: "post_found"; wasTaken: boolean }
  /** The prompt was refused, or a request failed on which the turn depends. */
  | { type: "failed"; error: RunError }
  | { type: "taken" }
  | { type: "busy" }
  | { type: "retrying"; text: string }
  /** The session is said to be idle. */
  | { type: "idle" }
  | { type: "session_failed"; error: RunError | null }
  /** A step of its own has ended. */
  | { type: "answered" }
  /** A message of its own ends the turn, and all that was said before it has been heard … */
  | { type: "over"; result: TurnResult }
  /** … or that is not sure yet. */
  | { type: "maybe_over" }
  /** The stream was lost for a while. */
  | { type: "missed" }
  /** What is stored has been heard, and the server says whether the session works. */
  | { type: "looked"; isBusy: boolean }
  | { type: "canceled" }
  /** The server has heard an abort, and says whether the session still works. */
  | { type: "aborted"; isBusy: boolean }
  /** What a canceled turn had asked is taken back: nothing of it is left. */
  | { type: "withdrawn" }
  /** A prompt waits for the end of what the agent does by itself. */
  | { type: "gave_way" }
  /** It is not waited for any more. */
  | { type: "forced" }
  | { type: "child_gone"; error: RunError };

export type TurnEffect =
  | { do: "post" }
  /** Whether the prompt is among the session's messages: `post_found` follows. */
  | { do: "find_post" }
  /** `looked` follows. `isLater`: not at once. */
  | { do: "look"; isLater: boolean }
  | { do: "tell_retry"; text: string }
  /** `aborted` follows, as soon as its end is heard or after a moment. */
  | { do: "abort" }
  /** What it has asked is refused: `withdrawn` follows. */
  | { do: "withdraw" }
  /** The turn's one end. null: it went idle without an answer. */
  | { do: "settle"; result: TurnResult | null };

export type TurnStep = { state: TurnState; effects: readonly TurnEffect[] };
type Running = Extract<TurnState, { phase: "running" }>;

/** Its prompt is being posted. */
export const newTurn: Running = {
  phase: "running",
  post: "sent",
  isTaken: false,
  wasBusy: false,
  isAnswered: false,
  end: null,
  error: null,
  look: "none",
  wasIdle: false,
  cancel: "none",
};

/** The agent works by itself, without a prompt: a look says whether it still does. */
export const newOwnTurn: TurnState = {
  ...newTurn,
  post: "answered",
  isTaken: true,
  wasBusy: true,
  look: "under_way",
};

/** What opencode says counts until the turn's own end. */
export const isListening = (state: TurnState): boolean => state.phase === "running" && state.end === null;

export function stepTurn(state: TurnState, event: TurnEvent): TurnStep {
  if (state.phase === "settled") return stay(state);
  switch (event.type) {
    case "posted":
      return postAnswered(state);
    case "post_lost":
      if (state.post === "sent") return { state: { ...state, post: "lost" }, effects: [{ do: "find_post" }] };
      return fail(state, event.error);
    case "post_found":
      if (state.post !== "lost") return stay(state);
      if (event.wasTaken) return postAnswered(state);
      return { state: { ...state, post: "sent_again" }, effects: [{ do: "post" }] };
    case "failed":
      return fail(state, event.error);
    case "taken":
      return stay({ ...state, isTaken: true });
    case "busy":
      return stay({ ...state, wasBusy: state.wasBusy || state.isTaken });
    case "retrying": {
      const busy = { ...state, wasBusy: state.wasBusy || state.isTaken };
      return { state: busy, effects: state.isTaken ? [{ do: "tell_retry", text: event.text }] : [] };
    }
    case "idle":
      return state.wasBusy ? look(state) : stay(state);
    case "session_failed":
      return stay(state.isTaken ? { ...state, error: event.error } : state);
    case "answered":
      return stay({ ...state, isAnswered: true });
    case "over":
      if (state.end !== null) return stay(state);
      // A canceled turn's session must be idle before the next one begins.
      if (state.cancel !== "none") return stay({ ...state, end: event.result });
      return settle(event.result);
    case "maybe_over":
    case "missed":
      return look(state);
    case "looked":
      return looked(state, event.isBusy);
    case "canceled":
      if (state.cancel !== "none") return stay(state);
      if (state.post !== "answered") return stay({ ...state, cancel: "waiting" });
      return abort(state);
    case "aborted":
      if (state.cancel !== "under_way") return stay(state);
      return { state, effects: [event.isBusy ? { do: "abort" } : { do: "withdraw" }] };
    case "withdrawn":
      return state.cancel === "under_way" ? settle(canceled) : stay(state);
    case "gave_way":
      return state.cancel === "none" ? settle({ outcome: "end_turn" }) : stay(state);
    case "forced":
      return settle(canceled);
    case "child_gone":
      return settle(state.cancel === "none" ? { outcome: "error", error: event.error } : canceled);
  }
}

const canceled: TurnResult = { outcome: "canceled" };

const stay = (state: TurnState): TurnStep => ({ state, effects: [] });
const settle = (result: TurnResult | null): TurnStep => ({
  state: { phase: "settled" },
  effects: [{ do: "settle", result }],
});
const abort = (state: Running): TurnStep => ({
  state: { ...state, cancel: "under_way" },
  effects: [{ do: "abort" }],
});

function postAnswered(state: Running): TurnStep {
  const answered: Running = { ...state, post: "answered" };
  return state.cancel === "waiting" ? abort(answered) : stay(answered);
}

/** What a canceled turn fails with is no news, and whether it still works is not known by it. */
function fail(state: Running, error: RunError): TurnStep {
  if (state.cancel === "none") return settle({ outcome: "error", error });
  return state.cancel === "waiting" ? postAnswered(state) : stay(state);
}

/** One look at a time; what asks for one meanwhile gets another behind it. */
function look(state: Running): TurnStep {
  if (state.look !== "none") return stay({ ...state, look: "due" });
  return { state: { ...state, look: "under_way" }, effects: [{ do: "look", isLater: false }] };
}

function looked(state: Running, isBusy: boolean): TurnStep {
  if (state.look === "none") return stay(state);
  const wasDue = state.look === "due";
  const ended: Running = { ...state, look: "none", wasIdle: false };
  // What stops a canceled turn finds out for itself when it is idle.
  if (state.cancel !== "none") return stay(ended);
  if (isBusy) return wasDue ? look(ended) : stay(ended);
  if (state.isAnswered || state.wasIdle) return settle(idleResult(state));
  return { state: { ...ended, look: "under_way", wasIdle: true }, effects: [{ do: "look", isLater: true }] };
}

/** A refused question ends the turn behind a step that asked for tools. */
function idleResult({ error, isAnswered }: Running): TurnResult | null {
  if (error !== null) return { outcome: "error", error };
  return isAnswered ? { outcome: "end_turn" } : null;
}
