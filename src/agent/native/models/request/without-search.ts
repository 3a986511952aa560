// How a request is sent to a server that has refused its provider's own search of the web. Each returns undefined where
// there is nothing to change.
import { isRecord, type Loose, recordsOf, textOf } from "../wire/loose.ts";

const isSearchTool = (tool: unknown): boolean =>
  isRecord(tool) && /^(openrouter:)?web_search/.test(textOf(tool["type"]));

const without = (value: unknown, isLeftOut: (entry: unknown) => boolean): unknown =>
  Array.isArray(value) && value.some(isLeftOut) ? value.filter((entry) => !isLeftOut(entry)) : undefined;

export const withoutSearchTool = (tools: unknown): unknown => without(tools, isSearchTool);

/** Gemini's tool has no name. */
export const withoutGoogleSearch = (tools: unknown): unknown =>
  without(tools, (tool) => isRecord(tool) && "googleSearch" in tool);

/** The answer after it says what Gemini's search has found. */
export const withoutGoogleParts = (parts: unknown): unknown =>
  without(parts, (part) => isRecord(part) && ("toolCall" in part || "toolResponse" in part));

export const withoutSources = (include: unknown): unknown =>
  without(include, (entry) => entry === "web_search_call.action.sources");

/** Of what Anthropic's search has found, the addresses remain. */
export function withoutSearchBlocks(content: unknown): unknown {
  if (!Array.isArray(content)) return undefined;
  const isOf = (block: unknown) =>
    isRecord(block) &&
    (block["type"] === "server_tool_use" ||
      block["type"] === "web_search_tool_result" ||
      (block["type"] === "text" && "citations" in block));
  if (!content.some(isOf)) return undefined;
  return content.flatMap((block: Loose) => {
    if (block["type"] === "server_tool_use") return [];
    if (block["type"] === "web_search_tool_result") {
      const found = recordsOf(block["content"]).map(({ url }) => textOf(url));
      return [{ type: "text", text: ["Found on the web:", ...found].join("\n") }];
    }
    const { citations: _, ...plain } = block;
    return [plain];
  });
}

/** OpenAI refuses a reasoning item without the item that followed it. */
export function withoutItemsOfSearches(input: unknown): unknown {
  const isSearch = (item: unknown) => isRecord(item) && item["type"] === "web_search_call";
  if (!Array.isArray(input) || !input.some(isSearch)) return undefined;
  const kept: unknown[] = [];
  for (const item of input) {
    if (!isSearch(item)) kept.push(item);
    else while (isRecord(kept.at(-1)) && (kept.at(-1) as Loose)["type"] === "reasoning") kept.pop();
  }
  return kept;
}
