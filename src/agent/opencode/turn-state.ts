import type { RunError } from "../../protocol/run.ts";
import type { TurnResult } from "../backend.ts";

/**
 * The state of one turn in `opencode serve`: its prompt is posted, it works, and it settles, by its own end or once a
 * cancel has stopped it. Pure, synchronous, total; `turn.ts` performs the effects. Idle and error events name only a
 * session, and after an abort they come twice and late (agents.md §5.3). So they cause at most a poll, and only once
 * this turn was seen to be busy.
 */
export type TurnState =
  | {
      phase: "running";
      /** `lost`: no response came, but the prompt may have been accepted. */
      post: "sent" | "lost" | "sent_again" | "answered";
      /** Its prompt was seen among the session's messages, … */
      isTaken: boolean;
      /** … then that the session is at work, … */
      wasBusy: boolean;
      /** … and a step of its own to its end. */
      isAnswered: boolean;
      /** The end that its own messages report. */
      end: TurnResult | null;
      /** The error that the session reported. */
      error: RunError | null;
      poll: "none" | "under_way" | "due";
      /** The last poll found it idle without an answer. It is idle as well between accepting a prompt and beginning it. */
      wasIdle: boolean;
      /** `waiting`: for the prompt's response, because an earlier abort would stop nothing. */
      cancel: "none" | "waiting" | "under_way";
    }
  | { phase: "settled" };

export type TurnEvent =
  | { type: "posted" }
  | { type: "post_lost"; error: RunError }
  /** Whether a prompt whose response was lost had arrived. */
  | { type: "post_found"; wasTaken: boolean }
  /** The prompt was refused, or a request failed on which the turn depends. */
  | { type: "failed"; error: RunError }
  | { type: "taken" }
  | { type: "busy" }
  | { type: "retrying"; text: string }
  /** The session reports that it is idle. */
  | { type: "idle" }
  | { type: "session_failed"; error: RunError | null }
  /** One of its steps has ended. */
  | { type: "answered" }
  /** One of its messages ends the turn, and all earlier events have been processed … */
  | { type: "over"; result: TurnResult }
  /** … or some may still be missing. */
  | { type: "maybe_over" }
  /** The stream was lost for a while. */
  | { type: "missed" }
  /** The stored messages have been merged, and the server reports whether the session is busy. */
  | { type: "polled"; isBusy: boolean }
  | { type: "canceled" }
  /** The server has received an abort, and reports whether the session is still busy. */
  | { type: "aborted"; isBusy: boolean }
  /** The open questions of a canceled turn have been rejected. */
  | { type: "withdrawn" }
  /** A prompt waits for the end of the agent's own work. */
  | { type: "preempted" }
  /** It is no longer waited for. */
  | { type: "forced" }
  | { type: "child_gone"; error: RunError };

export type TurnEffect =
  | { do: "post" }
  /** Whether the prompt is among the session's messages: `post_found` follows. */
  | { do: "find_post" }
  /** `polled` follows. `isLater`: not at once. */
  | { do: "poll"; isLater: boolean }
  | { do: "report_retry"; text: string }
  /** `aborted` follows, as soon as the turn's end is seen or after a moment. */
  | { do: "abort" }
  /** Rejects its open questions; `withdrawn` follows. */
  | { do: "withdraw" }
  /** Sent once per turn. null: it went idle without an answer. */
  | { do: "settle"; result: TurnResult | null };

export type TurnStep = { state: TurnState; effects: readonly TurnEffect[] };
type Running = Extract<TurnState, { phase: "running" }>;

/** A turn whose prompt is being posted. */
export const newTurn: Running = {
  phase: "running",
  post: "sent",
  isTaken: false,
  wasBusy: false,
  isAnswered: false,
  end: null,
  error: null,
  poll: "none",
  wasIdle: false,
  cancel: "none",
};

/** A turn without a prompt: the agent works by itself, and a poll finds out whether it still does. */
export const newOwnTurn: TurnState = {
  ...newTurn,
  post: "answered",
  isTaken: true,
  wasBusy: true,
  poll: "under_way",
};

/** Whether opencode's events still belong to the turn. */
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
      return { state: busy, effects: state.isTaken ? [{ do: "report_retry", text: event.text }] : [] };
    }
    case "idle":
      return state.wasBusy ? poll(state) : stay(state);
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
      return poll(state);
    case "polled":
      return polled(state, event.isBusy);
    case "canceled":
      if (state.cancel !== "none") return stay(state);
      if (state.post !== "answered") return stay({ ...state, cancel: "waiting" });
      return abort(state);
    case "aborted":
      if (state.cancel !== "under_way") return stay(state);
      return { state, effects: [event.isBusy ? { do: "abort" } : { do: "withdraw" }] };
    case "withdrawn":
      return state.cancel === "under_way" ? settle(canceled) : stay(state);
    case "preempted":
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

/** An error does not end a canceled turn: it may still be running, and its outcome is known. */
function fail(state: Running, error: RunError): TurnStep {
  if (state.cancel === "none") return settle({ outcome: "error", error });
  return state.cancel === "waiting" ? postAnswered(state) : stay(state);
}

/** One poll at a time. A request during a poll causes another one after it. */
function poll(state: Running): TurnStep {
  if (state.poll !== "none") return stay({ ...state, poll: "due" });
  return { state: { ...state, poll: "under_way" }, effects: [{ do: "poll", isLater: false }] };
}

function polled(state: Running, isBusy: boolean): TurnStep {
  if (state.poll === "none") return stay(state);
  const wasDue = state.poll === "due";
  const ended: Running = { ...state, poll: "none", wasIdle: false };
  // The abort effect itself finds out when a canceled turn is idle.
  if (state.cancel !== "none") return stay(ended);
  if (isBusy) return wasDue ? poll(ended) : stay(ended);
  if (state.isAnswered || state.wasIdle) return settle(idleResult(state));
  return { state: { ...ended, poll: "under_way", wasIdle: true }, effects: [{ do: "poll", isLater: true }] };
}

/** After a rejected question opencode ends the turn without a final answer. */
function idleResult({ error, isAnswered }: Running): TurnResult | null {
  if (error !== null) return { outcome: "error", error };
  return isAnswered ? { outcome: "end_turn" } : null;
}
