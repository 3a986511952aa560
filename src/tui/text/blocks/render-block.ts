import { plural } from "../../../protocol/plural.ts";
import type { Capabilities } from "../../local/capabilities.ts";
import type { Theme } from "../../theme.ts";
import { createPainter } from "../ansi.ts";
import { formatBytes } from "../figures.ts";
import { type Layout, layoutFor, moreText, type RenderExtras } from "../layout.ts";
import { blankLine, type Line, prefixLines, span, splitLines, truncateLine, wrapLine } from "../line.ts";
import { codeLines } from "../markdown/code.ts";
import { CODE_INDENT, markdownLines } from "../markdown/markdown.ts";
import { sanitizeLine, sanitizeText } from "../sanitize.ts";
import type { Block, CodeBlock, PromptBlock, ReasoningBlock, TextBlock } from "./block.ts";
import {
  fileLines,
  headerLines,
  noticeLines,
  permissionLines,
  presenceLines,
  queueLines,
  turnEndLines,
} from "./outcome.ts";
import { toolCallLines } from "./tool-call.ts";

/** A narrower window gets rows of this width, cut. */
const WIDTH_MIN = 16;
const GUTTER = "  ";
/** Longer prompts (a pasted log) are cut. */
const PROMPT_ROWS_MAX = 20;

/**
 * Renders a block as rows for a terminal: for the scrollback, a replay, a repaint, the transcript overlay and `sessions
 * show`. Pure. No row is wider than `width` or has a line feed; a styled row ends with a reset. A block without content
 * has no rows.
 */
export function renderBlock(
  block: Block,
  width: number,
  theme: Theme,
  capabilities: Capabilities,
  extras: RenderExtras = {},
): string[] {
  return blockLines(block, width, layoutFor(capabilities, extras)).map(createPainter(theme, capabilities));
}

/** Renders blocks that follow `previous`, with the blank rows between them. */
export function renderBlocks(
  blocks: readonly Block[],
  width: number,
  theme: Theme,
  capabilities: Capabilities,
  extras: RenderExtras = {},
  previous?: Block,
): string[] {
  const lines = linesOfBlocks(blocks, width, layoutFor(capabilities, extras), previous);
  return lines.map(createPainter(theme, capabilities));
}

/** As `renderBlocks`, as lines that are not painted yet. */
export function linesOfBlocks(
  blocks: readonly Block[],
  width: number,
  layout: Layout,
  previous: Block | undefined,
): Line[] {
  const all: Line[] = [];
  let before = previous;
  for (const block of joinFences(blocks)) {
    const lines = blockLines(block, width, layout);
    if (lines.length === 0) continue;
    if (gapBefore(before, block) === 1) all.push(blankLine);
    all.push(...lines);
    before = block;
  }
  return all;
}

/** A blank row follows these blocks always. */
const standsApart: ReadonlySet<Block["type"]> = new Set(["prompt", "code", "turn_end", "header"]);

/** Whether a blank row stands before a block. Blocks that draw nothing do not count as `previous`. */
export function gapBefore(previous: Block | undefined, block: Block): 0 | 1 {
  if (previous === undefined) return 0;
  switch (block.type) {
    case "text":
      return block.isTight ? 0 : 1;
    case "code":
      return block.opensFence ? 1 : 0;
    case "tool_call":
    case "permission":
    case "file":
    case "notice":
    case "reasoning":
      // A tool call stands directly under a single sentence that announces it, but not under a longer text.
      if (previous.type === "text") return previous.isFirst ? 0 : 1;
      return standsApart.has(previous.type) ? 1 : 0;
    case "presence":
      return block.isRule || previous.type === "header" ? 1 : 0;
    case "prompt":
    case "turn_end":
    case "header":
    case "queue":
      return 1;
  }
}

const isContinued = (block: Block | undefined): boolean => block?.type === "code" && !block.opensFence;

/** Groups blocks that are redrawn together: each alone, but all pieces of one fence in one group. */
export function drawnTogether(blocks: readonly Block[]): Block[][] {
  const groups: Block[][] = [];
  for (const block of blocks) {
    const before = groups.at(-1);
    if (before !== undefined && isContinued(block)) before.push(block);
    else groups.push([block]);
  }
  return groups;
}

/** Joins neighbouring pieces of one fence, so that they are highlighted together. */
function joinFences(blocks: readonly Block[]): readonly Block[] {
  if (!blocks.some(isContinued)) return blocks;
  const joined: Block[] = [];
  for (const block of blocks) {
    const last = joined.at(-1);
    if (block.type === "code" && last?.type === "code" && isContinued(block) && !block.isOpen)
      joined[joined.length - 1] = { ...last, code: `${last.code}\n${block.code}` };
    else joined.push(block);
  }
  return joined;
}

function blockLines(block: Block, width: number, layout: Layout): Line[] {
  if (width >= WIDTH_MIN) return typeLines(block, width, layout);
  return typeLines(block, WIDTH_MIN, layout).map((line) => truncateLine(line, width, layout.glyphs.ellipsis));
}

function typeLines(block: Block, width: number, layout: Layout): Line[] {
  switch (block.type) {
    case "prompt":
      return promptLines(block, width, layout);
    case "text":
      return textLines(block, width, layout);
    case "code":
      return codeBlockLines(block, width, layout);
    case "reasoning":
      return reasoningLines(block, width, layout);
    case "tool_call":
      return toolCallLines(block, width, layout);
    case "file":
      return fileLines(block, width, layout);
    case "notice":
      return noticeLines(block, width, layout);
    case "permission":
      return permissionLines(block, width, layout);
    case "turn_end":
      return turnEndLines(block, width, layout);
    case "header":
      return headerLines(block, width, layout);
    case "presence":
      return presenceLines(block, width, layout);
    case "queue":
      return queueLines(block, width, layout);
  }
}

function promptLines(block: PromptBlock, width: number, layout: Layout): Line[] {
  const { glyphs, capabilities } = layout;
  const inner = width - GUTTER.length;
  const by = block.by === undefined ? "" : sanitizeLine(block.by);
  const source = sanitizeText(block.text).trim().split("\n");
  const lines: Line[] = [];
  for (const [index, line] of source.entries()) {
    lines.push(...wrapLine([span(line, "strong")], inner));
    const left = source.length - index - 1;
    // A single left out row takes no more room than the row that would say so.
    if (layout.isExpanded || lines.length + left <= PROMPT_ROWS_MAX + 1) continue;
    if (left > 0 && lines.length < PROMPT_ROWS_MAX) continue;
    const cut = lines.length - PROMPT_ROWS_MAX;
    lines.length = Math.min(lines.length, PROMPT_ROWS_MAX);
    const what = left > 0 ? plural(left, "more line") : plural(cut, "more row");
    lines.push(...wrapLine([span(moreText(what, layout), "muted")], inner));
    break;
  }
  for (const file of block.files) {
    // A workspace file is named without its size.
    const size = file.size > 0 ? [formatBytes(file.size)] : [];
    const facts = [sanitizeLine(file.name), sanitizeLine(file.mediaType), ...size];
    lines.push(...wrapLine([span(`+ ${facts.join(glyphs.separator)}`, "muted")], inner));
  }
  const notes = [
    ...(by === "" ? [] : [`from ${by}`]),
    ...(block.isSteering ? ["steering the running turn"] : []),
  ];
  if (notes.length > 0 && !capabilities.screenReader)
    lines.push(...wrapLine([span(notes.join(glyphs.separator), "muted")], inner));
  if (capabilities.screenReader)
    return wrapLine([span(`${by === "" ? "You" : by}: `), ...(lines[0] ?? [])], width).concat(lines.slice(1));
  const sign = block.isShell === true ? span("! ", "warning") : span(`${glyphs.prompt} `, "prompt");
  return prefixLines(lines, [sign], [span(GUTTER)]);
}

/** An answer's lines: a bullet before the first one, a blank gutter before the others. */
function answerLines(block: TextBlock | CodeBlock, lines: Line[], width: number, layout: Layout): Line[] {
  const { glyphs, capabilities } = layout;
  const agent = block.agent === undefined ? "" : sanitizeLine(block.agent);
  const attributed =
    agent === "" ? lines : [...wrapLine([span(agent, "accent")], width - GUTTER.length), ...lines];
  if (capabilities.screenReader) return attributed;
  const first = block.isFirst ? span(`${glyphs.bullet} `, "accent") : span(GUTTER);
  return prefixLines(attributed, [first], [span(GUTTER)]);
}

const textLines = (block: TextBlock, width: number, layout: Layout): Line[] =>
  answerLines(
    block,
    markdownLines(block.text, width - GUTTER.length, layout, block.listNumber),
    width,
    layout,
  );

function codeBlockLines(block: CodeBlock, width: number, layout: Layout): Line[] {
  const inner = width - GUTTER.length - CODE_INDENT.length;
  const code = codeLines(block.code, block.language, inner, layout, block.before);
  return answerLines(block, prefixLines(code, [span(CODE_INDENT)], [span(CODE_INDENT)]), width, layout);
}

/** One line of reasoning: the latest while it streams, afterwards the first. Everything if expanded. */
function reasoningLines(block: ReasoningBlock, width: number, layout: Layout): Line[] {
  const { glyphs, capabilities } = layout;
  const text = sanitizeText(block.text).trim();
  if (text === "") return [];
  const mark = capabilities.screenReader ? "thought: " : `${GUTTER}${glyphs.thought} `;
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  if (layout.isExpanded) {
    const indent = capabilities.screenReader ? "" : " ".repeat(4);
    const rows = splitLines([span(text.replace(/\*\*|^#+ /gm, ""), "reasoning")]).flatMap((line) =>
      wrapLine(line, width - 4),
    );
    return capabilities.screenReader
      ? wrapLine([span(mark + text.replaceAll("\n", " "))], width)
      : prefixLines(rows, [span(mark, "muted")], [span(indent)]);
  }
  const line = plainText((block.isOpen ? lines.at(-1) : lines[0]) ?? "");
  const whole: Line = [span(mark, "muted"), span(line, "reasoning")];
  return [truncateLine(whole, Math.min(width, 100), glyphs.ellipsis)];
}

/** Removes Markdown: models begin their reasoning with titles. */
const plainText = (line: string): string => line.replace(/^\s*#+\s+|\*\*|__|`/g, "").trim();
