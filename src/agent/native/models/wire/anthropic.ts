import { noUsage, type Usage } from "../../../../protocol/usage.ts";
import type { ModelChunk } from "../model.ts";
import { SEARCH_TOOL } from "../searches.ts";
import { anthropicResult, createCitedTexts } from "./anthropic-search.ts";
import { argumentsOf, type CallPieces, newCall } from "./call-pieces.ts";
import { countOf, isRecord, type Loose, recordOf, recordsOf, stringOf, textOf } from "./loose.ts";
import type { Ending, WireReader } from "./reader.ts";

const endings: Readonly<Record<string, Ending>> = {
  max_tokens: { kind: "whole", end: "length" },
  model_context_window_exceeded: { kind: "whole", end: "length", note: "the context window is full" },
  refusal: { kind: "whole", end: "refusal" },
};

type Block =
  | { type: "text" }
  /** After a search: may have citations. */
  | { type: "cited" }
  | { type: "search"; call: CallPieces; input: unknown }
  | { type: "thinking"; signature: string }
  | { type: "redacted_thinking"; data: string }
  | { type: "tool_use"; call: CallPieces; input: unknown }
  /** A tool of the provider's own, or a newer, unknown type. */
  | { type: "other" };

const usageOf = (usageFields: Loose): Usage => {
  const read = countOf(usageFields["cache_read_input_tokens"]);
  const written = countOf(usageFields["cache_creation_input_tokens"]);
  return {
    input_tokens: countOf(usageFields["input_tokens"]) + read + written,
    output_tokens: countOf(usageFields["output_tokens"]),
    reasoning_tokens: countOf(recordOf(usageFields["output_tokens_details"])["thinking_tokens"]),
    cache_read_tokens: read,
    cache_write_tokens: written,
  };
};

function writtenOf({ call, input }: { call: CallPieces; input: unknown }): string {
  const written = call.pieces.some((piece) => piece !== "") ? argumentsOf(call) : undefined;
  return written ?? JSON.stringify(input ?? {});
}

function queryIn(written: string): unknown {
  try {
    return recordOf(JSON.parse(written))["query"];
  } catch {
    return undefined; // cut off
  }
}

/** The block type of a delta whose block start was lost. */
const blockOf: Readonly<Record<string, Loose>> = {
  text_delta: { type: "text" },
  thinking_delta: { type: "thinking" },
  input_json_delta: { type: "tool_use" },
};

/** Anthropic's Messages API. */
export function createAnthropicReader(): WireReader {
  const blocks = new Map<unknown, Block>();
  const usageFields: { [field: string]: unknown } = {};
  let usage = noUsage;
  let reason: string | undefined;
  let details: Loose = {};
  let isStopped = false;
  let error: unknown;
  /** From the first search on, texts with citations come in many blocks, which are one text for people. */
  let hasSearched = false;
  const texts = createCitedTexts();

  function takeUsage(more: unknown) {
    if (!isRecord(more)) return;
    for (const [field, value] of Object.entries(more)) if (value !== null) usageFields[field] = value;
    usage = usageOf(usageFields);
  }

  function open(index: unknown, content: Loose): ModelChunk[] {
    const ended = blocks.has(index) ? end(index) : [];
    if (content["type"] === "text" && hasSearched) {
      blocks.set(index, { type: "cited" });
      return [...ended, ...texts.begin(content)];
    }
    const before = [...ended, ...texts.close()];
    switch (content["type"]) {
      case "text": {
        blocks.set(index, { type: "text" });
        const text = textOf(content["text"]);
        return text === "" ? before : [...before, { type: "text", text }];
      }
      case "server_tool_use": {
        if (content["name"] !== SEARCH_TOOL) break;
        hasSearched = true;
        const call = newCall(textOf(content["id"]), SEARCH_TOOL);
        blocks.set(index, { type: "search", call, input: content["input"] });
        return before;
      }
      case "web_search_tool_result":
        blocks.set(index, { type: "other" });
        return [...before, anthropicResult(content)];
      case "thinking": {
        blocks.set(index, { type: "thinking", signature: textOf(content["signature"]) });
        const text = textOf(content["thinking"]);
        return text === "" ? before : [...before, { type: "reasoning", text }];
      }
      case "redacted_thinking":
        blocks.set(index, { type: "redacted_thinking", data: textOf(content["data"]) });
        return before;
      case "tool_use": {
        const call = newCall(textOf(content["id"]), textOf(content["name"]));
        blocks.set(index, { type: "tool_use", call, input: content["input"] });
        return [...before, { type: "tool_started", id: call.id, name: call.name }];
      }
    }
    blocks.set(index, { type: "other" });
    return before;
  }

  function extend(index: unknown, delta: Loose): ModelChunk[] {
    const opened = blocks.has(index) ? [] : open(index, blockOf[textOf(delta["type"])] ?? { type: "other" });
    const block = blocks.get(index);
    const more = (): ModelChunk[] => {
      if (block?.type === "cited") return texts.extend(delta);
      switch (delta["type"]) {
        case "text_delta":
          return block?.type === "text" ? [{ type: "text", text: textOf(delta["text"]) }] : [];
        case "thinking_delta":
          return block?.type === "thinking" ? [{ type: "reasoning", text: textOf(delta["thinking"]) }] : [];
        case "signature_delta":
          if (block?.type === "thinking") block.signature += textOf(delta["signature"]);
          return [];
        case "input_json_delta":
          if (block?.type === "tool_use" || block?.type === "search")
            block.call.pieces.push(textOf(delta["partial_json"]));
          return [];
        default:
          return [];
      }
    };
    return [...opened, ...more()];
  }

  function end(index: unknown): ModelChunk[] {
    const block = blocks.get(index);
    blocks.delete(index);
    switch (block?.type) {
      case "text":
        return [{ type: "part_ended" }];
      case "thinking":
        return [
          {
            type: "part_ended",
            ...(block.signature === "" ? {} : { provider: { anthropic: { signature: block.signature } } }),
          },
        ];
      case "redacted_thinking":
        return [{ type: "part_ended", provider: { anthropic: { redactedData: block.data } } }];
      case "tool_use": {
        const { id, name } = block.call;
        return [{ type: "tool_call", id, name, arguments: writtenOf(block) }];
      }
      case "search": {
        const query = textOf(queryIn(writtenOf(block)));
        return [{ type: "search_started", id: block.call.id, query }];
      }
      default:
        return [];
    }
  }

  const endAll = (): ModelChunk[] => [...[...blocks.keys()].flatMap(end), ...texts.close()];

  function takeEnd(delta: Loose) {
    reason = stringOf(delta["stop_reason"]) ?? reason;
    if (isRecord(delta["stop_details"])) details = delta["stop_details"];
  }

  return {
    read(event, name) {
      switch (event["type"] ?? name) {
        case "message_start": {
          const message = recordOf(event["message"]);
          takeUsage(message["usage"]);
          return [];
        }
        case "content_block_start":
          return open(event["index"], recordOf(event["content_block"]));
        case "content_block_delta":
          return extend(event["index"], recordOf(event["delta"]));
        case "content_block_stop":
          return end(event["index"]);
        case "message_delta":
          takeEnd(recordOf(event["delta"]));
          takeUsage(event["usage"]);
          return [];
        case "message_stop":
          isStopped = true;
          return [];
        case "message": {
          // The answer was not streamed.
          takeUsage(event["usage"]);
          const chunks = recordsOf(event["content"]).flatMap((block, at) => [...open(at, block), ...end(at)]);
          takeEnd(event);
          isStopped = true;
          return chunks;
        }
        case "error":
          if (reason === undefined) error = event;
          return [];
        case "ping":
          return undefined;
        default:
          if (event["type"] === undefined && ("error" in event || "detail" in event)) error = event;
          return [];
      }
    },
    error: () => error,
    done() {
      isStopped = true;
    },
    ending() {
      if (reason === undefined && !isStopped) return undefined;
      const ending = endings[reason ?? "end_turn"] ?? { kind: "whole", end: "stop" };
      const why = stringOf(details["explanation"]) ?? stringOf(details["category"]);
      return why === undefined ? ending : { ...ending, note: why };
    },
    isOver: () => isStopped,
    close: endAll,
    usage: () => usage,
    isPaused: () => reason === "pause_turn",
  };
}
