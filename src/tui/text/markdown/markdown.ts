import { Lexer, type MarkedToken, type Token, type Tokens } from "marked";
import type { Layout } from "../layout.ts";
import {
  addStyle,
  blankLine,
  type Line,
  prefixLines,
  type Style,
  span,
  splitLines,
  wrapLine,
} from "../line.ts";
import { widthOf } from "../width.ts";
import { codeLines, languageOf } from "./code.ts";
import { decodeEntities, inlineSpans } from "./inline.ts";
import { tableLines } from "./table.ts";

/** Deeper levels are not indented below this width: one word a line would be harder to read. */
const INNER_WIDTH_MIN = 12;
/** The deepest nesting; each level costs the lexer time and stack. */
const DEPTH_MAX = 24;
const RULE_WIDTH = 24;
const MARKS_MAX = 600;
export const CODE_INDENT = "  ";

type Place = { depth: number; style: Style; listNumber?: number | undefined };

/**
 * Lays out Markdown. The source must be sanitised. `listNumber` is the number of an ordered list's first item, for a
 * list that is shown item by item.
 */
export function markdownLines(source: string, width: number, layout: Layout, listNumber?: number): Line[] {
  if (hasTooManyMarks(source)) return source.split("\n").flatMap((line) => wrapLine([span(line)], width));
  const tokens = Lexer.lex(withBoundedNesting(source), { gfm: true, breaks: true });
  return blockLines(tokens, width, layout, { depth: 0, style: "text", listNumber });
}

/**
 * The lexer takes quadratic time in the emphasis marks of one paragraph, so text with very many of them is shown as it
 * is. Each row of a table counts separately.
 */
function hasTooManyMarks(source: string): boolean {
  const marksIn = (text: string) => text.match(/\*+|_+|~+/g)?.length ?? 0;
  if (source.length < MARKS_MAX || marksIn(source) <= MARKS_MAX) return false;
  return !source.trimStart().startsWith("|") || source.split("\n").some((line) => marksIn(line) > MARKS_MAX);
}

/** A line of thousands of quote or list marks would overflow the stack. */
function withBoundedNesting(source: string): string {
  const marks = new RegExp(
    `^((?:[ \\t]*(?:>|[-*+](?=[ \\t])|\\d{1,9}[.)](?=[ \\t]))){${DEPTH_MAX}}).*$`,
    "gm",
  );
  return source.replace(marks, (line) => `\\${line.trimStart()}`);
}

function blockLines(tokens: readonly Token[], width: number, layout: Layout, place: Place): Line[] {
  const lines: Line[] = [];
  let before: MarkedToken | undefined;
  for (const token of tokens as readonly MarkedToken[]) {
    if (token.type === "space" || token.type === "checkbox") continue;
    const drawn = tokenLines(token, width, layout, place);
    if (drawn.length === 0) continue;
    if (before !== undefined && !isTightAfter(before, token)) lines.push(blankLine);
    lines.push(...drawn);
    before = token;
  }
  return lines;
}

/** In a tight list item no blank line follows the text. */
const isTightAfter = (before: MarkedToken, token: MarkedToken): boolean =>
  before.type === "text" && (token.type === "list" || token.type === "text" || token.type === "code");

function tokenLines(token: MarkedToken, width: number, layout: Layout, place: Place): Line[] {
  const wrapped = (spans: Line): Line[] => splitLines(spans).flatMap((line) => wrapLine(line, width));
  switch (token.type) {
    case "heading": {
      const marks = layout.capabilities.attributes ? "" : `${"#".repeat(token.depth)} `;
      const style = addStyle(place.style, "heading");
      return wrapped([span(marks, style), ...inlineSpans(token.tokens, style, layout)]);
    }
    case "paragraph":
      return wrapped(inlineSpans(token.tokens, place.style, layout));
    case "text":
      return wrapped(inlineSpans(token.tokens ?? [token], place.style, layout));
    case "code":
      return nested(CODE_INDENT, CODE_INDENT, width, (inner) =>
        codeLines(token.text, languageOf(token.lang ?? ""), inner, layout),
      );
    case "blockquote": {
      const bar = `${layout.glyphs.gutter} `;
      const style = addStyle(place.style, "quote");
      return nested(bar, bar, width, (inner) =>
        blockLines(token.tokens, inner, layout, { depth: place.depth + 1, style }),
      );
    }
    case "list":
      return listLines(token, width, layout, place);
    case "table":
      return tableLines(token, width, layout);
    case "hr":
      return [
        [
          span(
            layout.glyphs.rule.repeat(layout.capabilities.screenReader ? 3 : Math.min(width, RULE_WIDTH)),
            "muted",
          ),
        ],
      ];
    case "html":
      return wrapped([span(decodeEntities(token.raw.replace(/\n+$/, "")), place.style)]);
    case "def":
      return wrapped([span(token.raw.replace(/\n+$/, ""), addStyle(place.style, "muted"))]);
    default:
      return wrapped([span(token.raw.replace(/\n+$/, ""), place.style)]);
  }
}

/** Content after a marker, indented by the marker's width if there is room. */
function nested(first: string, rest: string, width: number, draw: (inner: number) => Line[]): Line[] {
  const indent = widthOf(first);
  if (width - indent < INNER_WIDTH_MIN) return prefixIfRoom(first, width, draw);
  return prefixLines(draw(width - indent), [span(first, "muted")], [span(rest, "muted")]);
}

function prefixIfRoom(first: string, width: number, draw: (inner: number) => Line[]): Line[] {
  const lines = draw(width);
  if (first.trim() === "") return lines;
  return [...wrapLine([span(first.trim(), "muted")], width), ...lines];
}

function listLines(list: Tokens.List, width: number, layout: Layout, place: Place): Line[] {
  const start = place.listNumber ?? (list.start === "" ? 1 : list.start);
  const digits = String(start + list.items.length - 1).length;
  return list.items.flatMap((item, index) => {
    const marker = list.ordered
      ? `${String(start + index).padStart(digits)}. `
      : `${layout.glyphs.item[Math.min(place.depth, layout.glyphs.item.length - 1)] ?? "-"} `;
    const box = item.task ? `[${item.checked === true ? "x" : " "}] ` : "";
    const lines = itemLines(item, `${marker}${box}`, " ".repeat(widthOf(marker)), width, layout, place);
    return list.loose && index > 0 ? [blankLine, ...lines] : lines;
  });
}

function itemLines(
  item: Tokens.ListItem,
  marker: string,
  indent: string,
  width: number,
  layout: Layout,
  place: Place,
): Line[] {
  const inside = { depth: place.depth + 1, style: place.style };
  const lines = nested(marker, indent, width, (inner) => blockLines(item.tokens, inner, layout, inside));
  return lines.length === 0 ? wrapLine([span(marker.trimEnd(), "muted")], width) : lines;
}
