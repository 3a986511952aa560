import { ModelFailure } from "../errors/failure.ts";
import type { ModelChunk, ModelRequest } from "../model.ts";
import { refusalOf } from "./reasoning-fallback.ts";
import {
  withoutGoogleParts,
  withoutGoogleSearch,
  withoutItemsOfSearches,
  withoutSearchBlocks,
  withoutSearchTool,
  withoutSources,
} from "./without-search.ts";

type Json = { [key: string]: unknown };

/** An optional part of a request: if a server refuses it, the request is repeated without it. */
export type Extra = {
  /** Wording of a refusal that names it. */
  words: RegExp;
  /** Its places in the body, "[]" for each item of a list: "tools[].cache_control". */
  at: readonly Place[];
  headers?: readonly string[];
};

/** `to`: makes the value to send instead; undefined keeps the old one. Without `to` the place is removed. */
type Place = string | { path: string; to: (value: unknown) => unknown };

type Send = (request: ModelRequest, signal: AbortSignal) => AsyncIterable<ModelChunk>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Wording of a refusal that may concern the request's form, from servers that name nothing. */
const formWording =
  /unknown|unexpected|unrecogni[sz]ed|unsupported|not (permitted|allowed|supported|valid)|extra|additional|invalid|schema|validation|field|param|propert|bad request|malformed|deserialize|unmarshal|decode|expected|cannot|can't|type/i;

/** All text in a refusal, at any depth. */
function saidIn(body: string): string {
  const texts = (value: unknown): string[] => {
    if (typeof value === "string") return [value];
    return typeof value === "object" && value !== null ? Object.values(value).flatMap(texts) : [];
  };
  try {
    return texts(JSON.parse(body)).join(" ");
  } catch {
    return body;
  }
}

const hasFiles = ({ messages }: ModelRequest): boolean =>
  messages.some(
    ({ role, content }) =>
      role !== "assistant" &&
      content.some(
        (part) => part.type === "file" || (part.type === "tool-result" && part.output.type === "content"),
      ),
  );

/** The value without the extra; the same object if it was not there. */
function without(
  value: unknown,
  path: readonly string[],
  to: ((value: unknown) => unknown) | undefined,
): unknown {
  const [step, ...rest] = path;
  if (step === undefined || !isObject(value)) return value;
  const isList = step.endsWith("[]");
  const key = isList ? step.slice(0, -2) : step;
  if (!(key in value)) return value;
  const inner = value[key];
  if (isList) {
    if (!Array.isArray(inner)) return value;
    const items = inner.map((item: unknown) => without(item, rest, to));
    return items.every((item, at) => item === inner[at]) ? value : { ...value, [key]: items };
  }
  if (rest.length > 0) {
    const made = without(inner, rest, to);
    return made === inner ? value : { ...value, [key]: made };
  }
  if (to === undefined) {
    const { [key]: _, ...others } = value;
    return others;
  }
  const made = to(inner);
  return made === undefined || made === inner ? value : { ...value, [key]: made };
}

const withoutExtra = (body: unknown, extra: Extra): unknown =>
  extra.at.reduce<unknown>((made, place) => {
    const { path, to } = typeof place === "string" ? { path: place, to: undefined } : place;
    return without(made, path.split("."), to);
  }, body);

const hasHeader = (headers: unknown, { headers: names = [] }: Extra): boolean =>
  isObject(headers) && names.some((name) => headers[name] !== undefined);

const isRefusal = (error: unknown): error is ModelFailure =>
  error instanceof ModelFailure &&
  error.code === "provider_error" &&
  (error.status === 400 || error.status === 422) &&
  !error.isRetryable;

/**
 * Leaves out of all later requests what a server has refused once. Belongs to one model at one server. `namedOnly`: the
 * server's refusals always name the cause, so nothing is guessed.
 */
export function createExtras(extras: readonly Extra[], { namedOnly }: { namedOnly: boolean }) {
  const refused = new Set<Extra>();
  /** The slices of the last request, before anything was left out. Parallel conversations send the same extras. */
  let sent: readonly RequestInit[] = [];

  const changed = (init: RequestInit): RequestInit => {
    if (refused.size === 0 || typeof init.body !== "string") return init;
    const body = [...refused].reduce<unknown>(withoutExtra, JSON.parse(init.body));
    const dropped = new Set([...refused].flatMap(({ headers = [] }) => headers));
    const headers = Object.fromEntries(
      Object.entries((init.headers ?? {}) as Record<string, string>).filter(([name]) => !dropped.has(name)),
    );
    return { ...init, headers, body: JSON.stringify(body) };
  };

  /** Extras that were in the refused request and are not left out yet. */
  function present(): Extra[] {
    const found = new Set<Extra>();
    for (const { body: text, headers } of sent) {
      if (typeof text !== "string") continue;
      const body = [...refused].reduce<unknown>(withoutExtra, JSON.parse(text));
      for (const extra of extras)
        if (withoutExtra(body, extra) !== body || hasHeader(headers, extra)) found.add(extra);
    }
    return extras.filter((extra) => !refused.has(extra) && found.has(extra));
  }

  /** The extras to leave out after a refusal, as few as possible. */
  function toLeaveOut(failure: ModelFailure, request: ModelRequest): Extra[] {
    const words = failure.body === "" ? failure.message : saidIn(failure.body);
    const candidates = present();
    const named = candidates.find((extra) => extra.words.test(words));
    if (named !== undefined) return [named];
    // Handled elsewhere, not guessed here: a wrong signature, an image.
    if (namedOnly || refusalOf(failure) !== undefined || hasFiles(request)) return [];
    return formWording.test(words) || failure.body === "" ? candidates : [];
  }

  return {
    /** Begins a request; returns what to apply to each of its slices, in order. */
    begin() {
      const slices: RequestInit[] = [];
      return (init: RequestInit): RequestInit => {
        slices.push(init);
        sent = slices;
        return changed(init);
      };
    },
    /**
     * Sends the request, and again without what is refused. Throws the last refusal if nothing is left to leave out.
     */
    async *send(request: ModelRequest, signal: AbortSignal, send: Send): AsyncGenerator<ModelChunk> {
      let guessed: { extras: Extra[]; failure: ModelFailure } | undefined;
      for (;;) {
        let hasBegun = false;
        try {
          for await (const chunk of send(request, signal)) {
            hasBegun = true;
            yield chunk;
          }
          return;
        } catch (error) {
          if (!isRefusal(error) || hasBegun) throw error;
          if (guessed !== undefined) {
            // The guess was wrong: nothing was learned, and the first error counts.
            for (const extra of guessed.extras) refused.delete(extra);
            throw guessed.failure;
          }
          const left = toLeaveOut(error, request);
          if (left.length === 0) throw error;
          for (const extra of left) refused.add(extra);
          if (left.length > 1) guessed = { extras: left, failure: error };
        }
      }
    },
  };
}

const textOf = (value: unknown): unknown => {
  if (!Array.isArray(value) || value.length === 0) return undefined;
  const texts = value.map((block: unknown) => (isObject(block) ? block["text"] : undefined));
  return texts.every((text) => typeof text === "string") ? texts.join("\n\n") : undefined;
};

function withoutThinking(value: unknown): unknown {
  if (!Array.isArray(value)) return undefined;
  const kept = value.filter((block) => !/thinking$/.test(String(isObject(block) && block["type"])));
  return kept.length === value.length ? undefined : kept;
}

/** Newer than the first version of the Messages API; gateways lag behind. */
export const anthropicExtras: readonly Extra[] = [
  {
    words: /web_search|server_tool_use|srvtoolu/,
    at: [
      { path: "tools", to: withoutSearchTool },
      { path: "messages[].content", to: withoutSearchBlocks },
    ],
  },
  { words: /output_config|\beffort\b/, at: ["output_config"] },
  { words: /eager_input_streaming/, at: ["tools[].eager_input_streaming"] },
  { words: /thinking\.display|\bdisplay\b/, at: ["thinking.display"] },
  {
    words: /block_binding|thinking-binding/,
    at: ["thinking.block_binding"],
    headers: ["anthropic-beta"],
  },
  { words: /anthropic-beta|beta/i, at: [], headers: ["anthropic-beta"] },
  {
    words: /cache_control/,
    at: [
      "system[].cache_control",
      "tools[].cache_control",
      "messages[].content[].cache_control",
      "messages[].content[].content[].cache_control",
    ],
  },
  { words: /is_error/, at: ["messages[].content[].is_error"] },
  { words: /tool_choice/, at: ["tool_choice"] },
  // Without it no earlier thinking may be sent. A wrong signature is a different case.
  {
    words: /^(?!.*signature).*thinking/s,
    at: ["thinking", { path: "messages[].content", to: withoutThinking }],
  },
  { words: /system.{0,80}(string|str\b)/is, at: [{ path: "system", to: textOf }] },
  { words: /content.{0,80}(string|str\b)/is, at: [{ path: "messages[].content[].content", to: textOf }] },
];

/** Unknown to the oldest chat completion servers. */
export const chatExtras: readonly Extra[] = [
  { words: /web_search|server.?tool/i, at: [{ path: "tools", to: withoutSearchTool }] },
  { words: /stream_options|include_usage/, at: ["stream_options"] },
  {
    words: /reasoning.?effort|not support (thinking|reasoning)/i,
    at: ["reasoning_effort"],
  },
  { words: /enable_thinking|thinking_budget/, at: ["enable_thinking", "thinking_budget"] },
  { words: /chat_template/, at: ["chat_template_kwargs"] },
  { words: /\bthinking\b/, at: ["thinking"] },
  { words: /reasoning(?!_)/, at: ["reasoning"] },
  { words: /reasoning_details/, at: ["messages[].reasoning_details"] },
  { words: /cache_control/, at: ["messages[].content[].cache_control"] },
  { words: /parallel_tool_calls/, at: ["parallel_tool_calls"] },
  { words: /tool_choice/, at: ["tool_choice"] },
  { words: /additionalProperties|\$schema/, at: ["tools[].function.parameters.additionalProperties"] },
  {
    words: /(?<!reasoning_)content.{0,80}(null|none|string|str\b)|null.{0,40}content/is,
    at: [{ path: "messages[].content", to: (value) => (value === null ? "" : undefined) }],
  },
];

/** Only verified organisations get a summary of the reasoning. */
export const responsesExtras: readonly Extra[] = [
  { words: /action\.sources|\binclude\b/, at: [{ path: "include", to: withoutSources }] },
  {
    words: /web_search/,
    at: [
      { path: "tools", to: withoutSearchTool },
      { path: "input", to: withoutItemsOfSearches },
      { path: "include", to: withoutSources },
    ],
  },
  { words: /reasoning\.summary|reasoning summar|verified to (generate|stream)/i, at: ["reasoning.summary"] },
  { words: /reasoning[._]effort/, at: ["reasoning.effort"] },
  { words: /phase/, at: ["input[].phase"] },
  { words: /prompt_cache_key/, at: ["prompt_cache_key"] },
];

/** How hard Gemini is told to think: what an older or a newer model does not know. */
export const googleExtras: readonly Extra[] = [
  {
    words: /google.?search|built-?in tool|server.?side.?tool|tool.?(call|response)\b.*tool.?type/is,
    at: [
      { path: "tools", to: withoutGoogleSearch },
      { path: "contents[].parts", to: withoutGoogleParts },
      "toolConfig.includeServerSideToolInvocations",
    ],
  },
  { words: /thinking.?level/i, at: ["generationConfig.thinkingConfig.thinkingLevel"] },
  { words: /thinking.?budget/i, at: ["generationConfig.thinkingConfig.thinkingBudget"] },
  { words: /include.?thoughts|thinking/i, at: ["generationConfig.thinkingConfig"] },
];
