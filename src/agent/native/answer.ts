import { type Limits, limitDefaults } from "../../protocol/config.ts";
import { noUsage, type Usage } from "../../protocol/usage.ts";
import type { TurnHost } from "../backend.ts";
import { createBegunCalls } from "./begun-calls.ts";
import { ModelFailure } from "./models/errors/failure.ts";
import { type AnswerEnd, costOf, type Model, type ModelRequest } from "./models/model.ts";
import { createShownSearches } from "./shown-searches.ts";
import { createSpending } from "./spending.ts";
import { callTitle, resolveToolName, type ToolSet } from "./tool-set.ts";
import { startWatch } from "./watchdog.ts";

export type AskedCall = {
  /** hearth's id for the call, unique in the session. */
  id: string;
  name: string;
  arguments: string;
  provider: Record<string, unknown> | undefined;
};

export type Answer =
  | {
      kind: "whole";
      end: AnswerEnd;
      usage: Usage;
      /** USD. */
      cost: number;
      /** For people: why it ended early. */
      note: string | undefined;
      calls: readonly AskedCall[];
      hasText: boolean;
      /** It made no tool call but wrote text that looks like one. */
      isCallLike: boolean;
    }
  /** `hasStreamed`: part of it was shown. `openCalls`: shown calls that will never run. */
  | {
      kind: "failed";
      failure: ModelFailure;
      hasStreamed: boolean;
      openCalls: readonly string[];
      /** What the failed answer cost. */
      usage: Usage;
      cost: number;
    }
  | { kind: "aborted" };

type AnswerDeps = {
  model: Model;
  request: ModelRequest;
  host: Pick<TurnHost, "emit">;
  tools: ToolSet;
  limits: Limits;
  /** Returns the provider's id for a call, or another if that is taken. */
  claimId(id: string): string;
};

/** A local model may read a long prompt for minutes before its first word. */
const PRIVATE_FIRST_BYTE_MS = 600_000;
const firstByteMs = ({ isPrivate }: Model, { stall_first_byte_ms: limit }: Limits): number =>
  isPrivate && limit === limitDefaults.stall_first_byte_ms ? PRIVATE_FIRST_BYTE_MS : limit;

/** The usage is reported again after this much more text. */
const SPENT_EVERY_CHARS = 2_000;

const stalled = (model: Model, silentMs: number): ModelFailure =>
  new ModelFailure(
    `${model.providerLabel} has sent nothing of ${model.id}'s answer for ${Math.round(silentMs / 1000)} s.`,
    {
      code: "provider_stalled",
      brief: `no answer for ${Math.round(silentMs / 1000)} s`,
      isRetryable: true,
    },
  );

/** Sends one request and shows the answer as it streams. Throws only for bugs. */
export async function takeAnswer(deps: AnswerDeps, signal: AbortSignal): Promise<Answer> {
  const { model, request, host, tools, limits, claimId } = deps;
  const attempt = new AbortController();
  const calls: AskedCall[] = [];
  const idOf = new Map<string, string>();
  const shown: string[] = [];
  const spending = createSpending(request);
  const begun = createBegunCalls((...events) => host.emit(...events));
  const searches = createShownSearches((...events) => host.emit(...events), claimId);
  let hasStreamed = false;
  let hasText = false;
  let hasBegun = false;
  let spentAt = 0;

  const spent = () => {
    const usage = hasBegun ? spending.soFar() : noUsage;
    return { usage, cost: costOf(usage, model.cost) };
  };
  function reportSpent() {
    spentAt = spending.saidChars;
    host.emit({ type: "usage", ...spent(), isLost: false });
  }
  function say(text: string) {
    spending.say(text.length);
    if (spending.saidChars - spentAt >= SPENT_EVERY_CHARS) reportSpent();
  }

  const watch = startWatch(
    {
      firstByteMs: firstByteMs(model, limits),
      progressMs: limits.stall_progress_ms,
      noticeMs: limits.stall_notice_ms,
    },
    {
      quiet: (silentMs, limitMs) =>
        host.emit({
          type: "notice",
          level: "warning",
          code: "stall",
          text: `${model.providerLabel}: no response for ${Math.round(silentMs / 1000)} s · waiting up to ${Math.round(limitMs / 1000)} s`,
        }),
      stall: (silentMs) => attempt.abort(stalled(model, silentMs)),
    },
  );

  const showCall = (id: string, name: string) => {
    const known = resolveToolName(name, tools) ?? name;
    const tool = tools.get(known);
    const own = claimId(id);
    idOf.set(id, own);
    shown.push(own);
    hasStreamed = true;
    const title = callTitle(tool, known, {});
    begun.begin(own, {
      type: "tool_call",
      tool_call_id: own,
      name: known,
      kind: tool?.kind ?? "other",
      title,
      input: {},
      status: "pending",
    });
    return own;
  };

  try {
    for await (const chunk of model.stream(request, AbortSignal.any([signal, attempt.signal]))) {
      if (signal.aborted) return { kind: "aborted" };
      watch.progress();
      if (chunk.type === "progress") spending.update(chunk);
      if (!hasBegun) {
        hasBegun = true;
        reportSpent();
      }
      if (chunk.type === "text" || chunk.type === "reasoning" || chunk.type === "part_ended") begun.show();
      switch (chunk.type) {
        case "text":
          hasStreamed = true;
          hasText ||= chunk.text.trim() !== "";
          host.emit({ type: "text_delta", text: chunk.text });
          say(chunk.text);
          break;
        case "reasoning":
          hasStreamed = true;
          host.emit({ type: "reasoning_delta", text: chunk.text });
          say(chunk.text);
          break;
        case "part_ended":
          host.emit({
            type: "part_ended",
            ...(chunk.of === undefined ? {} : { of: chunk.of }),
            ...(chunk.provider === undefined ? {} : { provider: chunk.provider }),
          });
          break;
        case "tool_started":
          showCall(chunk.id, chunk.name);
          break;
        case "tool_call": {
          const id = idOf.get(chunk.id) ?? showCall(chunk.id, chunk.name);
          calls.push({ id, name: chunk.name, arguments: chunk.arguments, provider: chunk.provider });
          break;
        }
        case "search_started":
          begun.show();
          hasStreamed = true;
          searches.begin(chunk.id, chunk.query);
          break;
        case "search_ended":
          begun.show();
          hasStreamed = true;
          searches.end(chunk);
          break;
        case "paused":
          host.emit({
            type: "usage",
            usage: chunk.usage,
            cost: costOf(chunk.usage, model.cost),
            isLost: true,
          });
          break;
        case "progress":
          break;
        case "finished":
          begun.forget(calls.map(({ id }) => id));
          begun.show();
          return {
            kind: "whole",
            end: chunk.end,
            usage: chunk.usage,
            cost: chunk.cost ?? costOf(chunk.usage, model.cost),
            note: chunk.note,
            calls,
            hasText,
            isCallLike: chunk.isCallLike === true && calls.length === 0,
          };
      }
    }
    throw new Error(`${model.id} ended its stream without a last chunk`);
  } catch (error) {
    if (signal.aborted) return { kind: "aborted" };
    const failure = error instanceof ModelFailure ? error : undefined;
    if (failure === undefined) throw error;
    begun.show();
    return { kind: "failed", failure, hasStreamed, openCalls: [...shown, ...searches.open()], ...spent() };
  } finally {
    watch.stop();
    begun.end();
  }
}
