import { createAnthropic } from "@ai-sdk/anthropic";
import type { Model, ModelRequest, PromptMessage } from "../model.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { budgetFor } from "../request/effort.ts";
import { anthropicExtras, createExtras } from "../request/extras.ts";
import { createLongTexts } from "../request/long-texts.ts";
import { throughPauses } from "../request/pauses.ts";
import { createReasoningFallback } from "../request/reasoning-fallback.ts";
import { captureRequest, createToolList, type SdkCall, type SdkDeps, streamFromSdk } from "../request/sdk.ts";
import { SEARCH_TOOL } from "../searches.ts";
import { familyOf, type ModelSpec, modelOf, originOf } from "../spec.ts";
import { createAnthropicReader } from "../wire/anthropic.ts";

/** What a model may write in one answer, thinking included, if it can write so much. */
const OUTPUT_TOKENS_MAX = 64_000;
/** For models whose limit is not known; the package lowers it to an older model's limit. */
const CLAUDE_OUTPUT_TOKENS = 32_000;
const OTHER_OUTPUT_TOKENS = 16_000;

/** The form that every model since 3.5 takes, without running code of its own. */
const search = {
  type: "provider",
  id: "anthropic.web_search_20250305",
  name: SEARCH_TOOL,
  /** Searches in one answer. */
  args: { maxUses: 8 },
} as const;

const breakpoint = { anthropic: { cacheControl: { type: "ephemeral" } } } as const;

/**
 * Ends the cached prefix at the last two user messages as Anthropic sees them: the older one is read, the newer one
 * written. There, a step's results and a note after them are one message.
 */
function lastUserMessages(messages: readonly PromptMessage[]): ReadonlySet<PromptMessage> {
  const last = new Set<PromptMessage>();
  let left = 2;
  for (let at = messages.length - 1; at >= 0 && left > 0; at -= 1) {
    const message = messages[at];
    if (message === undefined || message.role === "assistant") continue;
    const endsGroup = messages[at + 1] === undefined || messages[at + 1]?.role === "assistant";
    if (!endsGroup) continue;
    left -= 1;
    last.add(message);
  }
  return last;
}

type Options = NonNullable<SdkCall["providerOptions"]>[string];
type Thinking = {
  /** Part of the output limit. */
  budgetTokens: number;
  options: Options;
};

/** Opus, Sonnet and Haiku 4 to 4.5 and 3.7 think within a budget; older models do not think. */
const withBudget = /claude-(opus|sonnet|haiku)-4([-.][0-5])?(-\d{8}|-latest|$|@|:)|claude-3[-.]7/;
const isAdaptive = /claude-(sonnet|opus)-4[-.][6-9]|claude-(opus|sonnet|haiku|fable|mythos)-[5-9]/;
const BUDGET_TOKENS = 12_000;
/** The smallest budget that Anthropic accepts. */
const BUDGET_TOKENS_MIN = 1_024;

type Asked = Pick<ModelSpec, "model" | "effort" | "thinkingBudget">;

/** The thinking options of a model, with a summary of the thinking. */
export function thinkingOf({ model, effort, thinkingBudget }: Asked, outputTokensMax: number): Thinking {
  const think = (thinking: Options, budgetTokens = 0): Thinking => ({ budgetTokens, options: { thinking } });
  if (effort === "none") return think({ type: "disabled" });
  if (withBudget.test(model)) {
    const budgetTokens =
      effort !== null && thinkingBudget !== null
        ? budgetFor(effort, { thinkingBudget }, outputTokensMax)
        : Math.min(BUDGET_TOKENS, Math.floor(outputTokensMax / 2));
    return budgetTokens < BUDGET_TOKENS_MIN
      ? { budgetTokens: 0, options: {} }
      : think({ type: "enabled", budgetTokens }, budgetTokens);
  }
  if (!isAdaptive.test(model)) return { budgetTokens: 0, options: {} };
  if (/-4[-.]6/.test(model)) return think({ type: "adaptive" });
  // These refuse a request if anything before a thinking block has changed. Losing old thinking is better than losing
  // the session.
  const isBound = /claude-(opus|sonnet|haiku)-5[-.][5-9]|claude-(fable|mythos)-5[-.][1-9]/.test(model);
  return think({
    type: "adaptive",
    display: "summarized",
    ...(isBound ? { blockBinding: { prefixMismatchBehavior: "drop_block" } } : {}),
  });
}

/** A turn that continues after tool calls without thinking must not think now: "Expected `thinking`, but found …". */
function mayThink({ messages }: ModelRequest): boolean {
  const since = messages.findLastIndex(({ role }) => role === "user");
  return messages
    .slice(since + 1)
    .every(({ role, content }) => role !== "assistant" || content.some((part) => part.type === "reasoning"));
}

/** Anthropic's Messages API, or another server that speaks it. */
export function openAnthropic(spec: ModelSpec, fetch: ModelFetch): Model {
  const shared = modelOf(spec);
  const longTexts = createLongTexts();
  const extras = createExtras(anthropicExtras, { namedOnly: shared.traits.isOfficial });
  const model = createAnthropic({
    baseURL: spec.baseUrl,
    apiKey: spec.apiKey ?? "none", // never read from the daemon's own environment
    headers: spec.headers,
    fetch: captureRequest,
  }).languageModel(spec.model);
  const deps: SdkDeps = {
    fetch,
    createReader: createAnthropicReader,
    origin: originOf(spec),
    list: "messages",
    begin: extras.begin,
    lengthen: longTexts.lengthen,
  };
  const toolList = createToolList({
    mark: (last) => ({ ...last, providerOptions: breakpoint }),
    search: shared.traits.search === "none" ? undefined : search,
  });
  const family = familyOf(spec.model);
  const usual = family === "claude" ? CLAUDE_OUTPUT_TOKENS : OTHER_OUTPUT_TOKENS;
  const maxOutputTokens = spec.maxOutputTokens ?? Math.min(spec.outputLimit ?? usual, OUTPUT_TOKENS_MAX);
  // The limit covers thinking and answer together, but the package adds the budget to it.
  const { budgetTokens, options } = thinkingOf(spec, maxOutputTokens);
  const { effort, thinkingBudget } = spec;
  const grade: Options = effort === null || effort === "none" || thinkingBudget !== null ? {} : { effort };
  const withFallback = createReasoningFallback(shared.traits);
  const send = (request: ModelRequest, signal: AbortSignal) => {
    const marked = lastUserMessages(request.messages);
    return streamFromSdk(
      model,
      {
        system: { role: "system", content: request.system, providerOptions: breakpoint },
        messages: request.messages,
        write(message) {
          const made = longTexts.shorten(message);
          return marked.has(message) ? { ...made, providerOptions: breakpoint } : made;
        },
        tools: toolList(request.tools),
        ...(budgetTokens > 0 && !mayThink(request)
          ? { maxOutputTokens, providerOptions: { anthropic: grade } }
          : {
              maxOutputTokens: maxOutputTokens - budgetTokens,
              providerOptions: { anthropic: { ...options, ...grade } },
            }),
      },
      { ...deps, observer: request.observer },
      signal,
    );
  };
  return {
    ...shared,
    outputTokensMax: maxOutputTokens,
    stream: (request, signal) =>
      withFallback(request, signal, (made, until) =>
        throughPauses(made, (again) => extras.send(again, until, send)),
      ),
  };
}
