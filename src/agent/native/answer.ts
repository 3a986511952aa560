import type { Limits } from "../../protocol/config.ts";
import type { Usage } from "../../protocol/usage.ts";
import type { TurnHost } from "../backend.ts";
import { ModelFailure } from "./models/failure.ts";
import type { AnswerEnd, Model, ModelRequest } from "./models/model.ts";
import { callTitle, resolveToolName, type ToolSet } from "./tool-set.ts";
import { startWatch } from "./watchdog.ts";

export type AskedCall = {
  /** Ours: unique in the session. */
  id: string;
  name: string;
  arguments: string;
  provider: Record<string, unknown> | undefined;
};

export type Answer =
  | { kind: "whole"; end: AnswerEnd; usage: Usage; calls: readonly AskedCall[]; hasText: boolean }
  /** `hasStreamed`: something of it has been shown. `openCalls`: shown calls that will never be run. */
  | { kind: "failed"; failure: ModelFailure; hasStreamed: boolean; openCalls: readonly string[] }
  | { kind: "aborted" };

type AnswerDeps = {
  model: Model;
  request: ModelRequest;
  host: Pick<TurnHost, "emit">;
  tools: ToolSet;
  limits: Limits;
  /** Gives the provider's id of a call, or another when that is taken. */
  claimId(id: string): string;
  now(): number;
};

/** Models that think first are given twice the time until their first word. */
const THINKING_FACTOR = 2;

const stalled = (model: Model, silentMs: number): ModelFailure =>
  new ModelFailure(
    `${model.providerLabel} has sent nothing of ${model.id}'s answer for ${Math.round(silentMs / 1000)} s.`,
    {
      code: "provider_stalled",
      brief: `no answer for ${Math.round(silentMs / 1000)} s`,
      isRetryable: true,
    },
  );

/** Asks once and shows what comes, as it comes. Never throws but for a bug. */
export async function takeAnswer(deps: AnswerDeps, signal: AbortSignal): Promise<Answer> {
  const { model, request, host, tools, limits, claimId, now } = deps;
  const attempt = new AbortController();
  const calls: AskedCall[] = [];
  const idOf = new Map<string, string>();
  const shown: string[] = [];
  let hasStreamed = false;
  let hasText = false;

  const watch = startWatch(
    {
      firstByteMs: limits.stall_first_byte_ms * (model.reasons ? THINKING_FACTOR : 1),
      progressMs: limits.stall_progress_ms,
      noticeMs: limits.stall_notice_ms,
    },
    now,
    {
      quiet: (silentMs, limitMs) =>
        host.emit({
          type: "notice",
          level: "warning",
          code: "stall",
          text: `${model.providerLabel}: nothing for ${Math.round(silentMs / 1000)} s · waiting up to ${Math.round(limitMs / 1000)} s`,
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
    host.emit({
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
      switch (chunk.type) {
        case "text":
          hasStreamed = true;
          hasText ||= chunk.text.trim() !== "";
          host.emit({ type: "text_delta", text: chunk.text });
          break;
        case "reasoning":
          hasStreamed = true;
          host.emit({ type: "reasoning_delta", text: chunk.text });
          break;
        case "part_ended":
          host.emit({
            type: "part_ended",
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
        case "tool_progress":
          break;
        case "finished":
          return { kind: "whole", end: chunk.end, usage: chunk.usage, calls, hasText };
      }
    }
    throw new Error(`${model.id} ended its stream without a last chunk`);
  } catch (error) {
    if (signal.aborted) return { kind: "aborted" };
    const failure = error instanceof ModelFailure ? error : undefined;
    if (failure === undefined) throw error;
    return { kind: "failed", failure, hasStreamed, openCalls: shown };
  } finally {
    watch.stop();
  }
}
