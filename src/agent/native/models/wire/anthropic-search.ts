import type { ModelChunk } from "../model.ts";
import type { Cited, Source } from "../searches.ts";
import { isRecord, type Loose, recordOf, recordsOf, stringOf, textOf } from "./loose.ts";

const failures: Readonly<Record<string, string>> = {
  too_many_requests: "too many searches",
  max_uses_exceeded: "no more searches in this answer",
  query_too_long: "the query is too long",
};

/** The result of a search of Anthropic's own: a list of pages whose text only its models can read, or an error. */
export function anthropicResult(block: Loose): ModelChunk {
  const id = textOf(block["tool_use_id"]);
  const { content } = block;
  if (!Array.isArray(content)) {
    const errorCode = textOf(recordOf(content)["error_code"]) || "unavailable";
    const output = { type: "error-json" as const, value: { errorCode } };
    return {
      ...{ type: "search_ended", id, sources: [], record: { form: "anthropic", id, output } },
      failure: failures[errorCode] ?? "the search is not available",
    };
  }
  const results = recordsOf(content).filter(({ type, url }) => type === "web_search_result" && stringOf(url));
  const value = results.map((result) => ({
    type: "web_search_result" as const,
    url: textOf(result["url"]),
    title: stringOf(result["title"]) ?? null,
    pageAge: stringOf(result["page_age"]) ?? null,
    encryptedContent: textOf(result["encrypted_content"]),
  }));
  const sources = value.map(({ url, title }): Source => ({ url, title: title ?? undefined }));
  return {
    ...{ type: "search_ended", id, sources },
    record: { form: "anthropic", id, output: { type: "json", value } },
  };
}

/**
 * After a search a text comes in many blocks, one for each sentence with sources. For people it is one text; its model
 * gets the blocks back as they were.
 */
export function createCitedTexts() {
  let open: { chars: number; citations: Loose[] }[] = [];

  function extend(delta: Loose): ModelChunk[] {
    const last = open.at(-1);
    if (last === undefined) return [];
    if (isRecord(delta["citation"])) last.citations.push(delta["citation"]);
    const text = textOf(delta["text"]);
    last.chars += text.length;
    return text === "" ? [] : [{ type: "text", text }];
  }

  return {
    begin(block: Loose): ModelChunk[] {
      open.push({ chars: 0, citations: recordsOf(block["citations"]) });
      return extend(block);
    },
    extend,
    /** What follows is no text. */
    close(): ModelChunk[] {
      if (open.length === 0) return [];
      const cited = open
        .filter(({ chars }) => chars > 0)
        .map(
          ({ chars, citations }): Cited => ({
            chars,
            ...(citations.length > 0 && { options: { anthropic: { citations: citations as never } } }),
          }),
        );
      open = [];
      if (cited.length === 0) return [];
      const hasSources = cited.some(({ options }) => options !== undefined);
      return [{ type: "part_ended", ...(hasSources && { provider: { cited } }) }];
    },
  };
}
