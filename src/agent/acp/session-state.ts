/**
 * The life of one conversation in an ACP agent, and of the turn that runs in it: preparing → prompted → settled, or, of
 * one that the agent makes by itself, following → settled. Pure, synchronous, total; `session.ts` does what an effect
 * says.
 */
export type SessionState = {
  session: "opening" | "open" | "gone";
  /** `isCanceled`: hearth wants it to stop, and that is its outcome, whatever the agent says of it. */
  turn: { phase: "preparing" | "prompted" | "following"; isCanceled: boolean } | null;
  /** Between turns. `done`: the last one ended by its own answer, so that what comes is new. `awake`: it came. */
  rest: "done" | "stopped" | "awake";
};

export type SessionEvent =
  | { type: "opened" }
  | { type: "turn_began" }
  /** A turn without a prompt, for what the agent does by itself. */
  | { type: "follow" }
  /** The agent says something of its work. */
  | { type: "word" }
  /** Nothing more is heard of what it does by itself, or a prompt waits. */
  | { type: "quiet" }
  /** Its settings are made, and what it is told is ready. */
  | { type: "prepared" }
  | { type: "canceled" }
  /** The response to the prompt. `wasCut`: it says "cancelled" and is dying, which is not what hearth asked for. */
  | { type: "answered"; wasCut: boolean }
  /** A request of the turn failed: its agent refused it, did not answer in time, or is gone. */
  | { type: "failed" }
  /** It did not stop, and others are at work in its child: it is left to itself. */
  | { type: "abandoned" }
  | { type: "child_gone" }
  | { type: "closed" };

/** How a turn ends. `canceled`: `isAnswered` where the agent said so itself. */
export type TurnEnd =
  | { kind: "canceled"; isAnswered: boolean }
  | { kind: "answered" }
  /** What the agent did by itself is over. */
  | { kind: "quiet" }
  | { kind: "cut" }
  | { kind: "failed" };

export type SessionEffect =
  | { do: "prepare" }
  | { do: "follow" }
  /** What it said counts for the turn that runs. */
  | { do: "hear" }
  /** What it said is kept for a turn of its own, which somebody is to make. */
  | { do: "keep" }
  | { do: "send_prompt" }
  | { do: "send_cancel" }
  /** A turn's one end. */
  | { do: "settle"; end: TurnEnd }
  /** Another turn is not over, or the conversation is: nothing may be sent. */
  | { do: "refuse" }
  /** Nothing of it is kept warm any more: said once. */
  | { do: "leave" };

export type SessionStep = { state: SessionState; effects: readonly SessionEffect[] };

export const newSession: SessionState = { session: "opening", turn: null, rest: "stopped" };

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
      if (session !== "open" || turn !== null || state.rest !== "awake")
        return { state, effects: [{ do: "refuse" }] };
      return {
        state: { ...state, turn: { phase: "following", isCanceled: false } },
        effects: [{ do: "follow" }],
      };
    case "word":
      if (isListening(state)) return { state, effects: [{ do: "hear" }] };
      if (session !== "open" || turn !== null || state.rest === "stopped") return stay(state);
      return { state: { ...state, rest: "awake" }, effects: [{ do: "keep" }] };
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
      // It has no prompt whose answer could be waited for.
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
      return settle(state, { kind: event.wasCut ? "cut" : "answered" });
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

/** What the agent says of its work counts between a prompt and its answer, and in a turn of its own. */
export const isListening = ({ session, turn }: SessionState): boolean =>
  session === "open" && (turn?.phase === "prompted" || turn?.phase === "following");

const canceledUnanswered: TurnEnd = { kind: "canceled", isAnswered: false };

const stay = (state: SessionState): SessionStep => ({ state, effects: [] });
const settle = (state: SessionState, end: TurnEnd): SessionStep => ({
  state: { ...state, turn: null, rest: end.kind === "answered" || end.kind === "quiet" ? "done" : "stopped" },
  effects: [{ do: "settle", end }],
});
