import { z } from "zod";
import type { ToolResult } from "../tools/tool.ts";

/** The same limit as for a command's output; the middle of a longer result is left out. */
const TEXT_CHARS_MAX = 30_000;
const HEAD_SHARE = 0.6;
const BLOCKS_MAX = 200;

const Block = z.looseObject({ type: z.string() });
const Content = z.looseObject({
  content: z.array(z.unknown()).optional(),
  structuredContent: z.unknown().optional(),
  isError: z.boolean().optional(),
});
const Resource = z.looseObject({
  uri: z.string().optional(),
  mimeType: z.string().optional(),
  text: z.string().optional(),
  blob: z.string().optional(),
});

const sizeOf = (base64: unknown): string =>
  typeof base64 === "string" ? `${Math.ceil((base64.length * 3) / 4 / 1024)} KB` : "no data";

/** A content block as text for the model; other content is described with its size. */
function textOfBlock(given: unknown): string {
  const { data: block } = Block.safeParse(given);
  if (block === undefined) return "[a part that is not of the form that MCP demands]";
  switch (block.type) {
    case "text":
      return typeof block["text"] === "string" ? block["text"] : "";
    case "image":
    case "audio":
      return `[${block.type} ${String(block["mimeType"] ?? "")}, ${sizeOf(block["data"])}: not shown]`;
    case "resource":
      return textOfResource(block["resource"]);
    case "resource_link":
      return `[resource ${String(block["uri"] ?? "")}${block["name"] === undefined ? "" : `: ${String(block["name"])}`}]`;
    default:
      return `[a part of the type ${block.type}: not shown]`;
  }
}

/** A resource's contents as text. */
export function textOfResource(given: unknown): string {
  const { data } = Resource.safeParse(given);
  if (data === undefined) return "[a resource that is not of the form that MCP demands]";
  if (data.text !== undefined) return data.text;
  return `[resource ${data.uri ?? ""} ${data.mimeType ?? ""}, ${sizeOf(data.blob)}: not shown]`;
}

/** Cuts the middle out of a text that is too long. */
export function withinBound(text: string, charsMax = TEXT_CHARS_MAX): string {
  if (text.length <= charsMax) return text;
  const head = Math.floor(charsMax * HEAD_SHARE);
  const tail = charsMax - head;
  const left = text.length - charsMax;
  return `${text.slice(0, head).toWellFormed()}\n\n[… ${left} characters left out here …]\n\n${text.slice(-tail).toWellFormed()}`;
}

/** Turns the result of an MCP call into a tool result. */
export function resultOfCall(given: unknown): ToolResult {
  const { data } = Content.safeParse(given);
  if (data === undefined)
    return { text: "The server's answer is not of the form that MCP demands.", isError: true };
  const blocks = data.content ?? [];
  const shown = blocks.slice(0, BLOCKS_MAX).map(textOfBlock);
  if (blocks.length > BLOCKS_MAX) shown.push(`[… ${blocks.length - BLOCKS_MAX} more parts left out]`);
  const text = shown.filter((part) => part !== "").join("\n");
  const structured =
    text === "" && data.structuredContent !== undefined ? JSON.stringify(data.structuredContent) : "";
  return {
    text: withinBound(text || structured || "(no output)"),
    ...(data.isError === true && { isError: true }),
  };
}
