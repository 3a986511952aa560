import { noUsage, type Usage } from "../../../../protocol/usage.ts";
import type { ModelChunk } from "../model.ts";
import { type Source, sourcesOf } from "../searches.ts";
import { argumentsOf, type CallPieces, isWholeCall, newCall } from "./call-pieces.ts";
import { createInlineReader } from "./inline.ts";
import { countOf, isRecord, type Loose, recordOf, recordsOf, stringOf, textOf } from "./loose.ts";
import type { Ending, WireReader } from "./reader.ts";
import { createReasoningDetails } from "./reasoning-details.ts";

/** The meaning of finish reasons; an unknown one ends the answer like `stop`. */
const endings: Readonly<Record<string, Ending>> = {
  length: { kind: "whole", end: "length" },
  max_tokens: { kind: "whole", end: "length" },
  model_length: { kind: "whole", end: "length" },
  content_filter: { kind: "whole", end: "refusal", note: "its content filter stopped the answer" },
  sensitive: { kind: "whole", end: "refusal", note: "its content filter stopped the answer" },
  refusal: { kind: "whole", end: "refusal" },
  model_context_window_exceeded: { kind: "whole", end: "length", note: "the context window is full" },
  insufficient_system_resource: { kind: "failed", why: "it ran out of resources" },
  network_error: { kind: "failed", why: "network error" },
  error: { kind: "failed", why: "it reports an error" },
  abort: { kind: "failed", why: "it gave the answer up" },
  malformed_function_call: { kind: "failed", why: "the model wrote a tool call that cannot be read" },
  other: { kind: "failed", why: "it does not say why" },
};

/** The total shows what the other figures include: some servers leave reasoning out, some cached input. */
export function chatUsage(raw: Loose): Usage {
  const prompt = countOf(raw["prompt_tokens"]);
  const completion = countOf(raw["completion_tokens"]);
  const total = countOf(raw["total_tokens"]);
  const input = recordOf(raw["prompt_tokens_details"]);
  const reasoning = countOf(recordOf(raw["completion_tokens_details"])["reasoning_tokens"]);
  const cached = countOf(input["cached_tokens"] ?? raw["prompt_cache_hit_tokens"] ?? raw["cached_tokens"]);
  const isReasoningApart = reasoning > 0 && total === prompt + completion + reasoning;
  const isCachedApart = cached > 0 && total === prompt + completion + cached;
  return {
    input_tokens: isCachedApart ? prompt + cached : prompt,
    output_tokens: isReasoningApart ? completion + reasoning : completion,
    reasoning_tokens: reasoning,
    cache_read_tokens: cached,
    cache_write_tokens: countOf(input["cache_write_tokens"] ?? input["cache_creation_tokens"]),
  };
}

/** The thinking and text in a content that is a list of parts, as Mistral sends it. */
function partsOf(content: unknown): { type: "text" | "reasoning"; text: string }[] {
  if (typeof content === "string") return [{ type: "text", text: content }];
  return recordsOf(content).flatMap((part): { type: "text" | "reasoning"; text: string }[] => {
    if (part["type"] === "thinking") {
      const { thinking } = part;
      const texts =
        typeof thinking === "string" ? [thinking] : recordsOf(thinking).map((t) => textOf(t["text"]));
      return texts.map((text) => ({ type: "reasoning", text }));
    }
    return part["type"] === "text" ? [{ type: "text", text: textOf(part["text"]) }] : [];
  });
}

/** `{"detail": …}` or `{"message": …}` in place of an answer. */
const isPlainError = (event: Loose): boolean =>
  !("choices" in event) && !("usage" in event) && ("detail" in event || "message" in event);

/**
 * Chat completions, as OpenAI documents them and as other servers send them. `inlineTools`: set for models that may
 * write thinking and calls of these tools as text. `hasSearch`: the server may search the web, and names its sources.
 */
export function createChatReader(
  inlineTools?: ReadonlySet<string>,
  { hasSearch = false }: { hasSearch?: boolean } = {},
): WireReader {
  const inline = inlineTools === undefined ? undefined : createInlineReader(inlineTools);
  const calls: CallPieces[] = [];
  const byIndex = new Map<number, CallPieces>();
  const details = createReasoningDetails();
  const sources: Source[] = [];
  let open: "text" | "reasoning" | undefined;
  let usage = noUsage;
  let cost: number | undefined;
  let finish: string | undefined;
  let hasRefused = false;
  let isDone = false;
  let isLast = false;
  let isOllama = false;
  let error: unknown;

  function say(type: "text" | "reasoning", text: string): ModelChunk[] {
    if (text === "") return [];
    const ended: ModelChunk[] = open !== undefined && open !== type ? [{ type: "part_ended" }] : [];
    open = type;
    return [...ended, { type, text }];
  }
  /** Text from the model, which may contain thinking or calls. */
  const sayWritten = (text: string): ModelChunk[] =>
    inline === undefined
      ? say("text", text)
      : inline
          .feed(text)
          .flatMap((chunk) =>
            chunk.type === "text" || chunk.type === "reasoning" ? say(chunk.type, chunk.text) : [chunk],
          );
  const endWritten = (): ModelChunk[] =>
    (inline?.end() ?? []).flatMap((chunk) =>
      chunk.type === "text" || chunk.type === "reasoning" ? say(chunk.type, chunk.text) : [chunk],
    );
  const endPart = (): ModelChunk[] => {
    if (open === undefined) return [];
    open = undefined;
    return [{ type: "part_ended" }];
  };

  function begin(index: number | undefined, id: string, name: string): CallPieces {
    const call = newCall(id, name);
    calls.push(call);
    byIndex.set(index ?? calls.length - 1, call);
    return call;
  }

  /** The tool call that a piece belongs to. */
  function callOf(index: number | undefined, id: string, name: string): CallPieces {
    const byId = id === "" ? undefined : calls.find((call) => call.id === id);
    if (byId !== undefined) return byId;
    const known = index === undefined ? undefined : byIndex.get(index);
    // Another id and name at a known index: a new call, because some servers give every call the first index.
    if (known !== undefined && id !== "" && name !== "" && known.id !== "" && known.name !== "")
      return begin(index, id, name);
    if (known !== undefined) return known;
    const last = calls.at(-1);
    if (last === undefined || id !== "" || name !== "") return begin(index, id, name);
    // Neither id nor name: more of the last call, whatever its index.
    if (index !== undefined && isWholeCall(last)) return begin(index, id, name);
    if (index !== undefined) byIndex.set(index, last);
    return last;
  }

  function takeCall(delta: Loose): ModelChunk[] {
    const raw = recordOf(delta["function"]);
    const index = typeof delta["index"] === "number" ? delta["index"] : undefined;
    const name = textOf(raw["name"]) || textOf(delta["name"]);
    const given = raw["arguments"] ?? delta["arguments"];
    const piece = isRecord(given) ? JSON.stringify(given) : textOf(given);
    const id = textOf(delta["id"]);
    if (id === "" && name === "" && piece === "") return [];
    const call = callOf(index, id, name);
    if (call.id === "") call.id = id;
    if (call.name === "") call.name = name;
    if (piece !== "") call.pieces.push(piece);
    const signature = stringOf(recordOf(recordOf(delta["extra_content"])["google"])["thought_signature"]);
    if (signature !== undefined) call.provider = { compatible: { thoughtSignature: signature } };
    if (call.isShown || call.name === "") return [{ type: "progress" }];
    call.isShown = true;
    return [...endPart(), { type: "tool_started", id: call.id, name: call.name }];
  }

  function takeDelta(delta: Loose): ModelChunk[] {
    const own = delta["reasoning_content"] ?? delta["reasoning"];
    const raw = recordsOf(delta["reasoning_details"]);
    for (const detail of raw) details.add(detail);
    for (const { url_citation: cited } of recordsOf(delta["annotations"])) {
      const { url, title } = recordOf(cited);
      sources.push({ url: textOf(url), title: stringOf(title) });
    }
    const thought =
      typeof own === "string" ? own : raw.map((d) => textOf(d["text"]) || textOf(d["summary"])).join("");
    const refusal = textOf(delta["refusal"]);
    hasRefused ||= refusal !== "";
    const called = isRecord(delta["function_call"]) ? [{ index: 0, function: delta["function_call"] }] : [];
    const asked = isRecord(delta["tool_calls"]) ? [delta["tool_calls"]] : recordsOf(delta["tool_calls"]);
    return [
      ...say("reasoning", thought),
      ...partsOf(delta["content"]).flatMap(({ type, text }) =>
        type === "text" ? sayWritten(text) : say(type, text),
      ),
      ...say("text", refusal),
      ...[...asked, ...called].flatMap(takeCall),
    ];
  }

  function takeUsage(raw: unknown) {
    if (!isRecord(raw)) return;
    usage = chatUsage(raw);
    if (typeof raw["cost"] === "number") cost = raw["cost"];
  }

  return {
    read(event) {
      const choices = recordsOf(event["choices"]);
      const choice = choices.find(({ index }) => index === 0 || typeof index !== "number");
      takeUsage(recordOf(event["x_groq"])["usage"]);
      takeUsage(choice?.["usage"]);
      takeUsage(event["usage"]);
      isOllama ||= event["system_fingerprint"] === "fp_ollama";
      const whole = choice?.["message"];
      const chunks = choice === undefined ? [] : takeDelta(recordOf(choice["delta"] ?? whole));
      const raw = event["error"] ?? choice?.["error"] ?? recordOf(event["x_groq"])["error"];
      // An error after a complete answer is ignored.
      const isCut = finish === undefined || endings[finish]?.kind === "failed" || finish === "length";
      const isError = (isRecord(raw) || stringOf(raw) !== undefined) && isCut;
      if (isError) error = { ...event, error: raw };
      else if (choice === undefined && (event["type"] === "error" || isPlainError(event))) error = event;
      const native = stringOf(choice?.["native_finish_reason"])?.toLowerCase();
      const said = stringOf(choice?.["finish_reason"])?.toLowerCase();
      if (said !== undefined) finish = native === "malformed_function_call" ? native : said;
      // The last chunk has only the usage; an unstreamed answer has no chunks.
      if (isRecord(whole) || (choices.length === 0 && isRecord(event["usage"]))) isLast = true;
      return chunks;
    },
    error: () => error,
    done() {
      isDone = true;
    },
    ending() {
      if (finish === undefined && !isDone && !isLast) return undefined;
      if (hasRefused) return { kind: "whole", end: "refusal" };
      return endings[finish ?? "stop"] ?? { kind: "whole", end: "stop" };
    },
    isOver: () => isDone,
    close(): ModelChunk[] {
      const provider = details.all();
      const rest = endWritten();
      const written = calls.length > 0 ? [] : (inline?.calls() ?? []);
      return [
        ...rest,
        ...endPart(),
        ...(hasSearch ? sourcesOf("openrouter", sources) : []),
        ...(provider === undefined ? [] : [{ type: "part_ended" as const, provider }]),
        ...calls.map((call): ModelChunk => {
          const { id, name, provider: own } = call;
          return { type: "tool_call", id, name, arguments: argumentsOf(call), provider: own };
        }),
        ...written.map((call): ModelChunk => ({ type: "tool_call", id: "", ...call })),
      ];
    },
    isCallLike: () => calls.length === 0 && inline?.isCallLike() === true,
    isOllama: () => isOllama,
    usage: () => usage,
    cost: () => cost,
  };
}
