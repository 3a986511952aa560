import type { MarkedToken, Token, Tokens } from "marked";
import { safeHref } from "../ansi.ts";
import type { Layout } from "../layout.ts";
import { addStyle, type Span, type Style, span } from "../line.ts";
import { sanitizeText } from "../sanitize.ts";

/**
 * The spans of inline Markdown; a line feed in a span's text is a line break. If the terminal cannot show an emphasis,
 * its marks are kept.
 */
export function inlineSpans(tokens: readonly Token[], style: Style, layout: Layout): Span[] {
  return tokens.flatMap((token) => inlineSpan(token as MarkedToken, style, layout));
}

function inlineSpan(token: MarkedToken, style: Style, layout: Layout): Span[] {
  const { attributes, color } = layout.capabilities;
  switch (token.type) {
    case "strong":
      return marked("**", attributes, inlineSpans(token.tokens, addStyle(style, "strong"), layout));
    case "em":
      return marked("*", attributes, inlineSpans(token.tokens, addStyle(style, "emphasis"), layout));
    case "del":
      return marked("~~", attributes, inlineSpans(token.tokens, addStyle(style, "strike"), layout));
    case "codespan":
      // Code differs by its colour only, so without colours the back quotes stay.
      return marked("`", color !== "none", [span(token.text.replaceAll("\n", " "), addStyle(style, "code"))]);
    case "br":
      return [span("\n", style)];
    case "link":
      return linkOf(token, style, layout);
    case "image": {
      const label = `image: ${decodeEntities(token.text) || "no description"}`;
      return linkSpans(decodeEntities(token.href), [span(label, addStyle(style, "link"))], style, layout);
    }
    case "html":
      return [span(/^<br\s*\/?>$/i.test(token.raw.trim()) ? "\n" : token.raw, style)];
    case "escape":
      return [span(token.text, style)];
    case "text":
      if (token.tokens !== undefined) return inlineSpans(token.tokens, style, layout);
      return [span(decodeEntities(token.text), style)];
    case "checkbox":
      return [];
    default:
      return [span(token.raw, style)];
  }
}

/** In a bare address character references are not decoded. */
function linkOf(token: Tokens.Link, style: Style, layout: Layout): Span[] {
  const linkStyle = addStyle(style, "link");
  if (token.autolink === true) return linkSpans(token.href, [span(token.text, linkStyle)], style, layout);
  return linkSpans(decodeEntities(token.href), inlineSpans(token.tokens, linkStyle, layout), style, layout);
}

const marked = (mark: string, isShown: boolean, spans: Span[]): Span[] =>
  isShown ? spans : [span(mark), ...spans, span(mark)];

/**
 * The address is shown after the label if the label looks like another address, or if the terminal has no links.
 */
function linkSpans(address: string, label: Span[], style: Style, layout: Layout): Span[] {
  const href = safeHref(address);
  const text = label.map((part) => part.text).join("");
  const isItself = text === address || `mailto:${text}` === address || `http://${text}` === address;
  const linked = href === undefined ? label : label.map((part) => ({ ...part, href }));
  if (isItself) return linked;
  const isMisleading = /^\s*(?:https?:\/\/|www\.|[\w-]+(?:\.[\w-]+)+(?:[/:]|\s*$))/i.test(text);
  if (href !== undefined && layout.capabilities.hyperlinks && !isMisleading) return linked;
  return [...linked, span(` (${sanitizeText(address)})`, addStyle(style, "muted"))];
}

const named: Readonly<Record<string, string>> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  nbsp: " ",
  copy: "©",
  reg: "®",
  trade: "™",
  hellip: "…",
  mdash: "—",
  ndash: "–",
  lsquo: "‘",
  rsquo: "’",
  ldquo: "“",
  rdquo: "”",
  laquo: "«",
  raquo: "»",
  bull: "•",
  middot: "·",
  times: "×",
  deg: "°",
  plusmn: "±",
  le: "≤",
  ge: "≥",
  ne: "≠",
  larr: "←",
  rarr: "→",
  uarr: "↑",
  darr: "↓",
  check: "✓",
};

/**
 * Decodes the character references that marked leaves. The result is sanitised again, since they may spell a control
 * character.
 */
export function decodeEntities(text: string): string {
  const decoded = text.replace(
    /&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|([a-z]+));/gi,
    (whole, hex, decimal, name) => {
      if (name !== undefined) return named[name.toLowerCase()] ?? whole;
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16);
      return code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd";
    },
  );
  return sanitizeText(decoded);
}
