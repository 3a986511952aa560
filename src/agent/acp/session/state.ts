/**
 * The state of one conversation in an ACP agent, and of its running turn: preparing → prompted → settled, or, for a
 * turn that the agent starts by itself, following → settled. Pure, synchronous, total; `session.ts` performs the
 * effects.
 */
export type SessionState = {
  session: "opening" | "open" | "gone";
  /** `isCanceled`: hearth canceled it, and that is its outcome, whatever the agent reports. */
  turn: { phase: "preparing" | "prompted" | "following"; isCanceled: boolean } | null;
  /**
   * Between turns. `done`: the last turn ended normally, so new work is the agent's own. `working`: such work has
   * begun. `stopped`: the last turn was canceled or failed, so what still comes is dropped.
   */
  idle: "done" | "stopped" | "working";
};

export type SessionEvent =
  | { type: "opened" }
  | { type: "turn_began" }
  /** A turn without a prompt begins, for work that the agent does by itself. */
  | { type: "follow" }
  /** The agent sent an update about its work. */
  | { type: "work_update" }
  /** The agent's own work went quiet, or a prompt waits. */
  | { type: "quiet" }
  /** Its options are set and its prompt is ready. */
  | { type: "prepared" }
  | { type: "canceled" }
  /** The response to the prompt. `isCutShort`: a dying agent says "cancelled" though hearth did not cancel. */
  | { type: "answered"; isCutShort: boolean }
  /** A request of the turn failed: the agent refused it, did not answer in time, or is gone. */
  | { type: "failed" }
  /** It did not stop, and its child cannot be killed because other sessions use it. */
  | { type: "abandoned" }
  | { type: "child_gone" }
  | { type: "closed" };

/** How a turn ends. `isAnswered`: the agent confirmed the cancel. */
export type TurnEnd =
  | { kind: "canceled"; isAnswered: boolean }
  | { kind: "answered" }
  /** The agent's own work is over. */
  | { kind: "quiet" }
  | { kind: "cut_short" }
  | { kind: "failed" };

export type SessionEffect =
  | { do: "prepare" }
  | { do: "follow" }
  /** The update belongs to the running turn. */
  | { do: "deliver" }
  /** The update is kept for a turn that is still to begin. */
  | { do: "buffer" }
  | { do: "send_prompt" }
  | { do: "send_cancel" }
  /** Sent once per turn. */
  | { do: "settle"; end: TurnEnd }
  /** Another turn is still running, or the conversation is gone. */
  | { do: "refuse" }
  /** It is no longer warm. Sent once. */
  | { do: "leave" };

export type SessionStep = { state: SessionState; effects: readonly SessionEffect[] };

export const newSession: SessionState = { session: "opening", turn: null, idle: "stopped" };

export function stepSession(state: SessionState, event: SessionEvent): SessionStep {
  const { session, turn } = state;
  switch (event.type) {
    case "opened":
      return stay(session === "opening" ? { ...state, session: "open" } : state);
    case "turn_began":
      if (session !== "open" || turn !== null) return { state, effects: [{ do: "refuse" }] };
      return {
        state: { ...state, turn: { phase: "preparing", isCanceled: false } },
        effects: [{ do: "prepare" }],
      };
    case "follow":
      if (session !== "open" || turn !== null || state.idle !== "working")
        return { state, effects: [{ do: "refuse" }] };
      return {
        state: { ...state, turn: { phase: "following", isCanceled: false } },
        effects: [{ do: "follow" }],
      };
    case "work_update":
      if (isListening(state)) return { state, effects: [{ do: "deliver" }] };
      if (session !== "open" || turn !== null || state.idle === "stopped") return stay(state);
      return { state: { ...state, idle: "working" }, effects: [{ do: "buffer" }] };
    case "quiet":
      return turn?.phase === "following" ? settle(state, { kind: "quiet" }) : stay(state);
    case "prepared":
      if (turn?.phase !== "preparing") return stay(state);
      if (turn.isCanceled) return settle(state, { kind: "canceled", isAnswered: false });
      return {
        state: { ...state, turn: { phase: "prompted", isCanceled: false } },
        effects: [{ do: "send_prompt" }],
      };
    case "canceled":
      if (turn === null || turn.isCanceled) return stay(state);
      // It has no prompt whose response could be awaited.
      if (turn.phase === "following") {
        const settled = settle({ ...state, turn: { ...turn, isCanceled: true } }, canceledUnanswered);
        return { ...settled, effects: [{ do: "send_cancel" }, ...settled.effects] };
      }
      return {
        state: { ...state, turn: { ...turn, isCanceled: true } },
        effects: turn.phase === "prompted" ? [{ do: "send_cancel" }] : [],
      };
    case "answered":
      if (turn?.phase !== "prompted") return stay(state);
      if (turn.isCanceled) return settle(state, { kind: "canceled", isAnswered: true });
      return settle(state, { kind: event.isCutShort ? "cut_short" : "answered" });
    case "failed":
      if (turn === null) return stay(state);
      return settle(state, turn.isCanceled ? { kind: "canceled", isAnswered: false } : { kind: "failed" });
    case "abandoned": {
      const left: SessionState = { ...state, session: "gone" };
      return turn === null ? stay(left) : settle(left, { kind: "canceled", isAnswered: false });
    }
    case "child_gone":
      if (session === "gone") return stay(state);
      return { state: { ...state, session: "gone" }, effects: [{ do: "leave" }] };
    case "closed":
      return stay({ ...state, session: "gone" });
  }
}

/** Whether updates about work belong to the running turn. */
export const isListening = ({ session, turn }: SessionState): boolean =>
  session === "open" && (turn?.phase === "prompted" || turn?.phase === "following");

const canceledUnanswered: TurnEnd = { kind: "canceled", isAnswered: false };

const stay = (state: SessionState): SessionStep => ({ state, effects: [] });
const settle = (state: SessionState, end: TurnEnd): SessionStep => ({
  state: { ...state, turn: null, idle: end.kind === "answered" || end.kind === "quiet" ? "done" : "stopped" },
  effects: [{ do: "settle", end }],
});
