// Searches of the web that a model's provider runs by itself, as they stand in transcripts and go back to the model.
import type { TextPart, ToolCallPart } from "../../../protocol/message.ts";
import { inOneLine } from "../../hearth-note.ts";
import type { ModelChunk, PromptMessage } from "./model.ts";
import type { Traits } from "./traits.ts";
import { isRecord } from "./wire/loose.ts";

type AssistantContent = Extract<PromptMessage, { role: "assistant" }>["content"];
type ToolOutput = Extract<AssistantContent[number], { type: "tool-result" }>["output"];
type Options = NonNullable<AssistantContent[number]["providerOptions"]>;

/** The name of the tool; also the one by which the provider packages know it. */
export const SEARCH_TOOL = "web_search";

/** Kept with the call: what only the model that searched understands. */
export type SearchRecord = {
  form: Exclude<Traits["search"], "none">;
  /** The provider's id of the call, which must not change. */
  id: string;
  /** In the form of the provider's package; without it nothing goes back: the answer itself names its sources. */
  output?: ToolOutput;
  /** What it was called with, where that is not only a query. */
  input?: Record<string, unknown>;
  /** The provider's own data about the call and its result. */
  options?: { call: Options; result: Options };
};

export type Source = { url: string; title?: string | undefined };

const SOURCES_MAX = 30;

/** What was found, for people and for other models. */
export function sourcesText(sources: readonly Source[]): string {
  const lines = sources
    .slice(0, SOURCES_MAX)
    .map(({ url, title }) =>
      title === undefined ? inOneLine(url) : `${inOneLine(title)} · ${inOneLine(url)}`,
    );
  const more = sources.length - lines.length;
  return [...lines, ...(more > 0 ? [`… and ${more} more`] : [])].join("\n");
}

const isForm = (form: unknown, wanted: Traits["search"]): boolean => form === wanted && wanted !== "none";

/** The call with its result as the model that made it is told of it; undefined if it must not be, or never ended. */
export function searchParts(
  { input: asked, provider = {} }: Pick<ToolCallPart, "input" | "provider">,
  form: Traits["search"],
): AssistantContent | undefined {
  const { id, output, input, options } = provider as Partial<SearchRecord>;
  if (!isForm(provider["form"], form) || typeof id !== "string") return undefined;
  if (output === undefined) return [];
  const toolCallId = id;
  return [
    { ...searchCall(id, input ?? asked), ...(options && { providerOptions: options.call }) },
    {
      ...{ type: "tool-result", toolCallId, toolName: SEARCH_TOOL, output },
      ...(options && { providerOptions: options.result }),
    },
  ];
}

/** What an answer names as its sources at its end, where the provider does not say which search has found them. */
export function sourcesOf(
  form: SearchRecord["form"],
  sources: readonly Source[],
  query = "",
): Extract<ModelChunk, { type: "search_ended" }>[] {
  const known = new Set<string>();
  const all = sources.filter(({ url }) => url !== "" && !known.has(url) && known.add(url));
  if (all.length === 0) return [];
  return [{ type: "search_ended", id: "sources", query, sources: all, record: { form, id: "sources" } }];
}

export const searchCall = (id: string, input: unknown): AssistantContent[number] => ({
  type: "tool-call",
  toolCallId: id,
  toolName: SEARCH_TOOL,
  input: isRecord(input) ? input : {},
  providerExecuted: true,
});

/** A piece of a text: so many characters, and the provider's data about its sources. */
export type Cited = { chars: number; options?: Options | undefined };

type TextPiece = { type: "text"; text: string; providerOptions?: Options };

/** The pieces of a text with citations; undefined for a text without. Blank pieces are joined to the one before. */
export function citedTexts({ text, provider }: Pick<TextPart, "text" | "provider">): TextPiece[] | undefined {
  const cited = provider?.["cited"];
  if (!Array.isArray(cited)) return undefined;
  const pieces: TextPiece[] = [];
  let at = 0;
  let blank = "";
  for (const { chars, options } of cited as Cited[]) {
    const piece = text.slice(at, at + chars);
    at += chars;
    const last = pieces.at(-1);
    if (piece.trim() !== "") {
      pieces.push({ type: "text", text: blank + piece, ...(options && { providerOptions: options }) });
      blank = "";
    } else if (last === undefined) blank += piece;
    else last.text += piece;
  }
  const rest = text.slice(at);
  if (rest.trim() !== "") pieces.push({ type: "text", text: rest });
  return pieces;
}
