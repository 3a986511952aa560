import type { Limits } from "../../../protocol/config.ts";
import type { Message } from "../../../protocol/message.ts";
import { addUsage, noUsage, type Usage } from "../../../protocol/usage.ts";
import { type Answer, takeAnswer } from "../answer.ts";
import type { Model } from "../models/model.ts";
import { partsOf } from "../requests/parts.ts";
import { endingOf, observed, type RequestRecorder } from "../requests/recorder.ts";
import type { ToolSet } from "../tool-set.ts";
import { summaryQuestion, summarySystem } from "./summary-request.ts";

/** Half the window is enough for what is summarised; at three characters a token it surely fits. */
const WINDOW_SHARE = 0.5;
const CHARS_PER_TOKEN_MIN = 3;
const CHARS_MAX = 400_000;

export type Summarised = {
  /** Undefined if no model gave one; `why`: in a few words. */
  summary: string | undefined;
  why: string;
  /** Failed tries are paid for too. */
  usage: Usage;
  cost: number;
};

type SummaryDeps = {
  model: Model;
  tools: ToolSet;
  limits: Limits;
  /** For the provider's cache. */
  conversation: string;
  requests: RequestRecorder;
};

/** Asks for a summary, and once more with half of the text if that fails. Throws if `signal` aborts. */
export async function summarise(
  { model, tools, limits, conversation, requests }: SummaryDeps,
  what: { older: readonly Message[]; before: string | undefined; keep: string; window: number },
  signal: AbortSignal,
): Promise<Summarised> {
  let charsMax = Math.min(CHARS_MAX, Math.floor(what.window * WINDOW_SHARE * CHARS_PER_TOKEN_MIN));
  let usage = noUsage;
  let cost = 0;
  let why = "";
  for (const _try of [1, 2]) {
    let text = "";
    const question = summaryQuestion({ ...what, charsMax });
    const since = performance.now();
    const plain = {
      system: summarySystem,
      tools: [],
      messages: [{ role: "user" as const, content: [{ type: "text" as const, text: question }] }],
      conversation: `${conversation}-summary`,
    };
    const record = requests.begin({ kind: "summary", model: model.id, parts: partsOf(plain, 0, 0), since });
    const request = observed(plain, record);
    const host = {
      emit(...events: Parameters<Parameters<typeof takeAnswer>[0]["host"]["emit"]>) {
        for (const event of events) if (event.type === "text_delta") text += event.text;
      },
    };
    const answer: Answer = await takeAnswer(
      { model, request, host, tools, limits, claimId: (id) => id },
      signal,
    );
    record.ended(endingOf(answer));
    signal.throwIfAborted();
    if (answer.kind === "aborted") throw new Error("a summary was aborted without its signal");
    usage = addUsage(usage, answer.usage);
    cost += answer.cost;
    const summary = text.trim();
    if (answer.kind === "whole" && answer.end !== "refusal" && summary !== "")
      return { summary, why: "", usage, cost };
    why = answer.kind === "failed" ? answer.failure.brief : "the model wrote no summary";
    charsMax = Math.floor(charsMax / 2);
  }
  return { summary: undefined, why, usage, cost };
}
