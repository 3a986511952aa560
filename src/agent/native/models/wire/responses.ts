import { noUsage, type Usage } from "../../../../protocol/usage.ts";
import type { ModelChunk } from "../model.ts";
import type { Source } from "../searches.ts";
import { argumentsOf, type CallPieces, newCall } from "./call-pieces.ts";
import { countOf, isRecord, type Loose, recordOf, recordsOf, stringOf, textOf } from "./loose.ts";
import type { Ending, WireReader } from "./reader.ts";

const usageOf = (raw: Loose): Usage => {
  const input = recordOf(raw["input_tokens_details"]);
  return {
    input_tokens: countOf(raw["input_tokens"]),
    output_tokens: countOf(raw["output_tokens"]),
    reasoning_tokens: countOf(recordOf(raw["output_tokens_details"])["reasoning_tokens"]),
    cache_read_tokens: countOf(input["cached_tokens"]),
    cache_write_tokens: countOf(input["cache_write_tokens"]),
  };
};

/** The state of one output item. */
type Item = {
  type: string;
  id: string;
  /** Whether its text or thinking has been shown. */
  shown: boolean;
  phase: string | undefined;
  call: CallPieces | undefined;
  /** The open part of the summary. */
  summary: unknown;
};

const endings: Readonly<Record<string, Ending>> = {
  max_output_tokens: { kind: "whole", end: "length" },
  max_tokens: { kind: "whole", end: "length" },
  content_filter: { kind: "whole", end: "refusal", note: "its content filter stopped the answer" },
};

/** A search of OpenAI's own that is over, or a page that it has opened. `raw`: the whole item. */
function searchOf(id: string, raw: Loose): ModelChunk {
  const action = recordOf(raw["action"]);
  const pages = recordsOf(action["sources"]).flatMap((source) => stringOf(source["url"]) ?? []);
  const url = stringOf(action["url"]);
  const kind = { open_page: "openPage", find_in_page: "findInPage" }[textOf(action["type"])] ?? "search";
  const pattern = stringOf(action["pattern"]);
  const queries = Array.isArray(action["queries"])
    ? action["queries"].filter((q) => typeof q === "string")
    : [];
  const query = stringOf(action["query"]) ?? (queries.length > 0 ? queries.join(" · ") : undefined);
  const sources: Source[] = (url === undefined ? pages : [url]).map((page) => ({ url: page }));
  const told =
    kind === "search"
      ? {
          type: kind,
          ...(query && queries.length === 0 && { query }),
          ...(queries.length > 0 && { queries }),
        }
      : { type: kind, ...(url && { url }), ...(pattern && { pattern }) };
  const value = {
    action: told,
    ...(pages.length > 0 && { sources: pages.map((page) => ({ type: "url", url: page })) }),
  };
  return {
    ...{ type: "search_ended", id, sources },
    query: [query ?? url, pattern].filter((text) => text !== undefined).join(" · "),
    failure: raw["status"] === "failed" ? "the search failed" : undefined,
    record: { form: "openai", id, output: { type: "json", value } },
  };
}

/** OpenAI's Responses API. Some servers change an item's id from event to event, but not its place in the output. */
export function createResponsesReader(): WireReader {
  const items = new Map<unknown, Item>();
  /** Finished items. */
  let ended = 0;
  let usage = noUsage;
  let cost: number | undefined;
  let ending: Ending | undefined;
  let hasRefused = false;
  let isDone = false;
  let error: unknown;

  const placeOf = (event: Loose): unknown => event["output_index"] ?? event["item_id"];

  function open(place: unknown, raw: Loose): { item: Item; before: ModelChunk[] } {
    const before = items.has(place) ? end(place) : [];
    const type = textOf(raw["type"]);
    const id = textOf(raw["id"]);
    const call =
      type === "function_call" ? newCall(textOf(raw["call_id"]) || id, textOf(raw["name"])) : undefined;
    const phase = stringOf(raw["phase"]);
    const item: Item = { type, id, shown: false, phase, call, summary: undefined };
    items.set(place, item);
    return { item, before };
  }

  function itemAt(event: Loose, type: string): { item: Item; before: ModelChunk[] } {
    const place = placeOf(event);
    const known = items.get(place);
    if (known !== undefined && (known.type === type || type === "function_call"))
      return { item: known, before: [] };
    return open(place, { type, id: event["item_id"] });
  }

  const providerOf = (item: Item, raw: Loose) => {
    const itemId = stringOf(raw["id"]) ?? item.id;
    return itemId === "" ? undefined : { openai: { itemId } };
  };

  /** The metadata that goes back with thinking, complete only when the item has ended. */
  const thinkingOf = (item: Item, raw: Loose) => ({
    openai: {
      itemId: item.id,
      reasoningEncryptedContent: stringOf(raw["encrypted_content"]) ?? null,
    },
  });

  function say(event: Loose, type: "text" | "reasoning", text: string): ModelChunk[] {
    if (text === "") return [];
    const { item, before } = itemAt(event, type === "text" ? "message" : "reasoning");
    item.shown = true;
    return [...before, { type, text }];
  }

  function think(event: Loose): ModelChunk[] {
    const { item, before } = itemAt(event, "reasoning");
    const part = event["summary_index"];
    const isNext = item.summary !== undefined && item.summary !== part;
    item.summary = part;
    // Each part of a summary is a paragraph; all parts belong to one item.
    const closed: ModelChunk[] = isNext
      ? [{ type: "part_ended", of: "reasoning", provider: thinkingOf(item, {}) }]
      : [];
    return [...before, ...closed, ...say(event, "reasoning", textOf(event["delta"]))];
  }

  function takeArguments(event: Loose): ModelChunk[] {
    const { item, before } = itemAt(event, "function_call");
    item.call?.pieces.push(textOf(event["delta"]));
    return [...before, { type: "progress" }];
  }

  function begin(event: Loose): ModelChunk[] {
    const { item, before } = open(placeOf(event), recordOf(event["item"]));
    const { call } = item;
    if (item.type === "web_search_call")
      return [...before, { type: "search_started", id: item.id, query: "" }];
    return call === undefined ? before : [...before, { type: "tool_started", id: call.id, name: call.name }];
  }

  /** What the complete item contains and no delta has sent. */
  function missing(item: Item, raw: Loose): ModelChunk[] {
    if (item.shown) return [];
    if (item.type === "message")
      return recordsOf(raw["content"]).flatMap((part): ModelChunk[] => {
        hasRefused ||= part["type"] === "refusal";
        const text = textOf(part["text"]) || textOf(part["refusal"]);
        return text === "" ? [] : [{ type: "text", text }];
      });
    if (item.type !== "reasoning") return [];
    const written = [...recordsOf(raw["summary"]), ...recordsOf(raw["content"])];
    const text = written.map((part) => textOf(part["text"])).join("\n\n");
    return text === "" ? [] : [{ type: "reasoning", text }];
  }

  function end(place: unknown, raw: Loose = {}): ModelChunk[] {
    const item = items.get(place);
    if (item === undefined) return [];
    items.delete(place);
    ended += 1;
    const said = missing(item, raw);
    switch (item.type) {
      case "message": {
        const phase = stringOf(raw["phase"]) ?? item.phase;
        const provider = { openai: { itemId: item.id, ...(phase === undefined ? {} : { phase }) } };
        return [...said, { type: "part_ended", of: "text", provider }];
      }
      case "reasoning":
        return [...said, { type: "part_ended", of: "reasoning", provider: thinkingOf(item, raw) }];
      case "function_call": {
        const { call = newCall("", "") } = item;
        const id = call.id || textOf(raw["call_id"]);
        const name = call.name || textOf(raw["name"]);
        const text = stringOf(raw["arguments"]) ?? argumentsOf(call);
        return [{ type: "tool_call", id, name, arguments: text, provider: providerOf(item, raw) }];
      }
      case "web_search_call":
        // Without its end it is not sent back.
        return isRecord(raw["action"]) ? [searchOf(item.id, raw)] : [];
      default:
        return [];
    }
  }

  function endItem(event: Loose): ModelChunk[] {
    const raw = recordOf(event["item"]);
    const place = placeOf(event);
    const known = items.get(place);
    const opened = known === undefined || known.type !== raw["type"] ? open(place, raw).before : [];
    return [...opened, ...end(place, raw)];
  }

  function finish(event: Loose, type: string): ModelChunk[] {
    const response = recordOf(event["response"] ?? event);
    if (isRecord(response["usage"])) {
      usage = usageOf(response["usage"]);
      if (typeof response["usage"]["cost"] === "number") cost = response["usage"]["cost"];
    }
    if (type === "response.failed" || response["status"] === "failed") {
      error = isRecord(response["error"]) ? { error: response["error"] } : response;
      return [];
    }
    const reason = stringOf(recordOf(response["incomplete_details"])["reason"]);
    ending = endings[reason ?? ""] ?? { kind: "whole", end: "stop" };
    if (type === "response.incomplete" && reason === undefined)
      ending = { kind: "failed", why: "it does not say why" };
    // The complete response, if nothing of it was streamed.
    const hasStreamed = ended > 0 || items.size > 0;
    return recordsOf(response["output"]).flatMap((raw, at) => {
      if (hasStreamed) return [];
      return [...open(`whole ${at}`, raw).before, ...end(`whole ${at}`, raw)];
    });
  }

  return {
    read(event, name) {
      const type = stringOf(event["type"]) ?? stringOf(name) ?? "";
      switch (type) {
        case "response.output_item.added":
          return begin(event);
        case "response.output_item.done":
          return endItem(event);
        case "response.output_text.delta":
          return say(event, "text", textOf(event["delta"]));
        case "response.refusal.delta":
          hasRefused = true;
          return say(event, "text", textOf(event["delta"]));
        case "response.reasoning_summary_text.delta":
          return think(event);
        case "response.reasoning_text.delta":
          return say(event, "reasoning", textOf(event["delta"]));
        case "response.function_call_arguments.delta":
          return takeArguments(event);
        case "response.completed":
        case "response.incomplete":
        case "response.failed":
        case "response.done":
          return finish(event, type);
        case "error":
          if (ending === undefined) error = event;
          return [];
        case "keepalive":
        case "ping":
          return undefined;
        default:
          if (event["object"] === "response") return finish(event, "response.completed");
          if (type === "" && ("error" in event || "detail" in event)) error = event;
          return [];
      }
    },
    error: () => error,
    done() {
      isDone = true;
    },
    ending() {
      if (ending === undefined) return isDone && ended > 0 ? { kind: "whole", end: "stop" } : undefined;
      return hasRefused ? { kind: "whole", end: "refusal" } : ending;
    },
    // Anything after a response's end in the same body belongs to the answer.
    isOver: () => isDone,
    close: () => [...items.keys()].flatMap((place) => end(place)),
    usage: () => usage,
    cost: () => cost,
  };
}
