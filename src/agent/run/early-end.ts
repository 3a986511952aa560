import type { FinishReason, Message } from "../../protocol/message.ts";

/** Why a run ended before its request was done. */
export type EarlyEnd = Exclude<FinishReason, "end_turn" | "steered" | "tool_use">;

const untilAsked =
  "Do not carry it out or finish it unless the user asks for that, for example by saying to go on.";
/** What the model is told about a request that ended before its answer, or in the middle of it. */
export const endTexts: Readonly<Record<EarlyEnd, { unanswered: string; cut: string }>> = {
  canceled: {
    unanswered: `The user stopped this request before it was done; it is withdrawn. ${untilAsked}`,
    cut: `The user stopped your answer above before it was complete; the request is withdrawn. ${untilAsked}`,
  },
  error: {
    unanswered: `This request ended with an error before it was done. ${untilAsked}`,
    cut: `Your answer above was cut off by an error; the request was not done. ${untilAsked}`,
  },
  interrupted: {
    unanswered: `This request was interrupted before it was done. ${untilAsked}`,
    cut: `Your answer above was interrupted before it was complete; the request was not done. ${untilAsked}`,
  },
  max_tokens: {
    unanswered: "The answer to this was cut off by the limit for its length.",
    cut: "Your answer above was cut off by the limit for its length.",
  },
  max_steps: {
    unanswered: `The work on this request was stopped at the limit of steps. ${untilAsked}`,
    cut: `The work on the request above was stopped at the limit of steps. ${untilAsked}`,
  },
  refusal: {
    unanswered: "The provider declined to have this answered.",
    cut: "The provider stopped your answer above.",
  },
};

export const earlyEndOf = ({ finish_reason }: Pick<Message, "finish_reason">): EarlyEnd | undefined =>
  finish_reason !== null && finish_reason in endTexts ? (finish_reason as EarlyEnd) : undefined;
