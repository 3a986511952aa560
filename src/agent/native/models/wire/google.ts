import { noUsage, type Usage } from "../../../../protocol/usage.ts";
import type { ModelChunk } from "../model.ts";
import { type Source, sourcesOf } from "../searches.ts";
import { countOf, isRecord, type Loose, recordOf, recordsOf, stringOf, textOf } from "./loose.ts";
import { createPartialArguments } from "./partial-arguments.ts";
import type { Ending, WireReader } from "./reader.ts";

const refusals = new Set([
  "SAFETY",
  "RECITATION",
  "BLOCKLIST",
  "PROHIBITED_CONTENT",
  "SPII",
  "LANGUAGE",
  "IMAGE_SAFETY",
  "IMAGE_PROHIBITED_CONTENT",
  "IMAGE_RECITATION",
  "MODEL_ARMOR",
]);
/** Finish reasons that mean no valid answer. Retrying mostly helps. */
const failures: Readonly<Record<string, string>> = {
  OTHER: "it does not say why",
  FINISH_REASON_UNSPECIFIED: "it does not say why",
  MALFORMED_FUNCTION_CALL: "the model wrote a tool call that cannot be read",
  MALFORMED_RESPONSE: "the model wrote an answer that cannot be read",
  UNEXPECTED_TOOL_CALL: "the model called a tool that it was not given",
  TOO_MANY_TOOL_CALLS: "the model called too many tools",
  MISSING_THOUGHT_SIGNATURE: "a thought signature is missing",
  NO_IMAGE: "it made no image",
};

const usageOf = (raw: Loose): Usage => {
  const thought = countOf(raw["thoughtsTokenCount"]);
  return {
    input_tokens: countOf(raw["promptTokenCount"]) + countOf(raw["toolUsePromptTokenCount"]),
    output_tokens: countOf(raw["candidatesTokenCount"]) + thought,
    reasoning_tokens: thought,
    cache_read_tokens: countOf(raw["cachedContentTokenCount"]),
    cache_write_tokens: 0,
  };
};

const signatureOf = (part: Loose): { google: { thoughtSignature: string } } | undefined => {
  const signature = stringOf(part["thoughtSignature"]) ?? stringOf(part["thought_signature"]);
  return signature === undefined ? undefined : { google: { thoughtSignature: signature } };
};

const queriesIn = (queries: unknown): string =>
  Array.isArray(queries) ? queries.filter((query) => typeof query === "string").join(" · ") : "";

const pagesIn = (grounding: Loose): Source[] =>
  recordsOf(grounding["groundingChunks"]).map((chunk) => {
    const { uri, title } = recordOf(chunk["web"]);
    return { url: textOf(uri), title: stringOf(title) };
  });

type OpenCall = {
  id: string;
  name: string;
  provider: Record<string, unknown> | undefined;
  partial: ReturnType<typeof createPartialArguments>;
};

/** The Gemini API. A thought signature belongs to the part with it or before it. */
export function createGoogleReader(): WireReader {
  let open: "text" | "reasoning" | undefined;
  let provider: Record<string, unknown> | undefined;
  let call: OpenCall | undefined;
  let usage = noUsage;
  let finish: string | undefined;
  let message: string | undefined;
  let blocked: string | undefined;
  let isDone = false;
  let error: unknown;
  let grounding: Loose = {};
  /** A search of Google's own that has begun. */
  let searching: Loose | undefined;

  function endPart(): ModelChunk[] {
    if (open === undefined) return [];
    const ended: ModelChunk = {
      type: "part_ended",
      of: open,
      ...(provider === undefined ? {} : { provider }),
    };
    open = undefined;
    provider = undefined;
    return [ended];
  }

  function say(part: Loose): ModelChunk[] {
    const type = part["thought"] === true ? "reasoning" : "text";
    const text = textOf(part["text"]);
    const signed = signatureOf(part);
    if (text === "") {
      if (signed === undefined) return [];
      // A signature alone ends the text before it, or comes without any text.
      open ??= type;
      provider = signed;
      return endPart();
    }
    const before = open !== undefined && open !== type ? endPart() : [];
    open = type;
    provider = signed ?? provider;
    const said: ModelChunk[] = [...before, { type, text }];
    return signed === undefined ? said : [...said, ...endPart()];
  }

  function endCall(): ModelChunk[] {
    if (call === undefined) return [];
    const { id, name, provider: own, partial } = call;
    call = undefined;
    return [{ type: "tool_call", id, name, arguments: partial.text(), provider: own }];
  }

  function takeCall(part: Loose): ModelChunk[] {
    const raw = recordOf(part["functionCall"]);
    const name = stringOf(raw["name"]);
    const pieces = recordsOf(raw["partialArgs"]);
    const signed = signatureOf(part);
    if (name === undefined) {
      // A part without a name continues the call before it; an empty one ends it.
      if (call === undefined) return [];
      call.provider ??= signed;
      for (const piece of pieces) call.partial.take(piece);
      if (isRecord(raw["args"])) call.partial.merge(raw["args"]);
      return raw["willContinue"] === true ? [{ type: "progress" }] : endCall();
    }
    const id = textOf(raw["id"]);
    const begun: ModelChunk[] = [...endPart(), ...endCall(), { type: "tool_started", id, name }];
    call = { id, name, provider: signed, partial: createPartialArguments() };
    if (isRecord(raw["args"])) call.partial.merge(raw["args"]);
    for (const piece of pieces) call.partial.take(piece);
    return raw["willContinue"] === true ? begun : [...begun, ...endCall()];
  }

  function beginSearch(part: Loose): ModelChunk[] {
    const raw = recordOf(part["toolCall"]);
    searching = part;
    return [
      ...endPart(),
      ...endCall(),
      { type: "search_started", id: textOf(raw["id"]), query: queriesIn(recordOf(raw["args"])["queries"]) },
    ];
  }

  function endSearch(part: Loose): ModelChunk[] {
    const before = [...endPart(), ...endCall()];
    if (searching === undefined) return before;
    const asked = recordOf(searching["toolCall"]);
    const raw = recordOf(part["toolResponse"]);
    const id = textOf(asked["id"]);
    const data = (signed: Loose) => ({
      google: {
        ...{ serverToolCallId: id, serverToolType: textOf(asked["toolType"]) },
        ...signatureOf(signed)?.["google"],
      },
    });
    const options = { call: data(searching), result: data(part) };
    searching = undefined;
    const output = { type: "json" as const, value: recordOf(raw["response"]) as never };
    const record = { form: "google" as const, id, input: recordOf(asked["args"]), output, options };
    return [...before, { type: "search_ended", id, sources: [], record }];
  }

  const takePart = (part: Loose): ModelChunk[] => {
    if (isRecord(part["toolCall"])) return beginSearch(part);
    if (isRecord(part["toolResponse"])) return endSearch(part);
    if (isRecord(part["functionCall"])) return takeCall(part);
    return "text" in part || "thoughtSignature" in part ? say(part) : [];
  };

  return {
    read(event) {
      const candidate = recordsOf(event["candidates"])[0];
      if (isRecord(event["usageMetadata"])) usage = usageOf(event["usageMetadata"]);
      const reason = stringOf(recordOf(event["promptFeedback"])["blockReason"]);
      if (reason !== undefined && !/UNSPECIFIED/.test(reason)) {
        blocked = reason;
        message = stringOf(recordOf(event["promptFeedback"])["blockReasonMessage"]) ?? message;
      }
      const chunks = recordsOf(recordOf(candidate?.["content"])["parts"]).flatMap(takePart);
      if (isRecord(candidate?.["groundingMetadata"])) grounding = candidate["groundingMetadata"];
      finish = stringOf(candidate?.["finishReason"]) ?? finish;
      message = stringOf(candidate?.["finishMessage"]) ?? message;
      const isError = "error" in event || "detail" in event;
      if (isError && event["error"] !== null && finish === undefined) error = event;
      return chunks;
    },
    error: () => error,
    done() {
      isDone = true;
    },
    ending(): Ending | undefined {
      if (blocked !== undefined) return { kind: "whole", end: "refusal", note: message ?? blocked };
      if (finish === undefined) return isDone ? { kind: "whole", end: "stop" } : undefined;
      if (finish === "MAX_TOKENS" || finish === "CONTINUATION") return { kind: "whole", end: "length" };
      if (refusals.has(finish)) return { kind: "whole", end: "refusal", note: message ?? finish };
      const why = failures[finish];
      if (why !== undefined) return { kind: "failed", why: message ?? why };
      return { kind: "whole", end: "stop" };
    },
    isOver: () => isDone,
    close: () => [
      ...endPart(),
      ...sourcesOf("google", pagesIn(grounding), queriesIn(grounding["webSearchQueries"])),
      ...endCall(),
    ],
    usage: () => usage,
  };
}
