import type { ToolCallStatus, ToolKind } from "../../../protocol/message.ts";
import { plural } from "../../../protocol/plural.ts";
import type { ThemeToken } from "../../theme.ts";
import { safeHref } from "../ansi.ts";
import { formatClock, formatDuration } from "../figures.ts";
import { type Layout, moreText } from "../layout.ts";
import {
  type Line,
  lineWidth,
  prefixLines,
  type Span,
  span,
  truncateLine,
  wrapLine,
  wrapVerbatim,
} from "../line.ts";
import { sanitizeLine, sanitizeText } from "../sanitize.ts";
import { truncateEnd, truncateMiddle, widthOf } from "../width.ts";
import type { ToolCallBlock } from "./block.ts";
import { diffLines } from "./diff.ts";

/** The widest row of title and facts: facts further to the right would be hard to match with their title. */
export const MEASURE_MAX = 100;
/** Short names are padded to this width, so that titles are aligned. */
const NAME_WIDTH = 5;
const NAME_WIDTH_MAX = 24;
const TITLE_WIDTH_MIN = 12;
const TITLE_CHARACTERS_MAX = 4000;
const BODY_INDENT = "    ";
const DIFF_ROWS = 12;
const TAIL_ROWS = 4;
const SOURCE_ROWS = 3;
const PROPOSAL_ROWS = 40;
const FAILED_TAIL_ROWS = 8;
/** Enough to read; the daemon has the rest. */
const EXPANDED_ROWS = 2000;
/** As much of an output's end is laid out to find its last rows. */
const TAIL_CHARACTERS = 64 * 1024;

/** The beginning of the output of a call that a rule or a mode denied, followed by the reason. */
const REFUSED = "Not allowed: ";
const REFUSED_CHARACTERS_MAX = 500;

const verbs: { readonly [K in ToolKind]?: string } = { execute: "run", switch_mode: "mode" };

const marks: { readonly [S in ToolCallStatus]: { glyph: GlyphName; token: ThemeToken; words: string } } = {
  pending: { glyph: "pending", token: "muted", words: "waiting" },
  running: { glyph: "running", token: "accent", words: "running" },
  completed: { glyph: "ok", token: "success", words: "done" },
  failed: { glyph: "fail", token: "error", words: "failed" },
  denied: { glyph: "denied", token: "warning", words: "denied" },
  canceled: { glyph: "stopped", token: "warning", words: "canceled" },
  interrupted: { glyph: "stopped", token: "warning", words: "interrupted" },
};
type GlyphName = "pending" | "running" | "ok" | "fail" | "denied" | "stopped";

export function toolCallLines(block: ToolCallBlock, width: number, layout: Layout): Line[] {
  const body = bodyLines(block, Math.max(8, width - BODY_INDENT.length), layout);
  return [...headLines(block, width, layout), ...prefixLines(body, [span(BODY_INDENT)], [span(BODY_INDENT)])];
}

function headLines(block: ToolCallBlock, width: number, layout: Layout): Line[] {
  const mark = marks[hasFailed(block) ? "failed" : block.status];
  const title = titleSpan(block, layout);
  const facts = factsOf(block, layout);
  const name = nameOf(block);
  if (layout.capabilities.screenReader) {
    const text = [`tool ${name} ${mark.words}: ${title.text}`, ...facts].join(", ");
    return wrapLine([span(text)], width);
  }
  const result = [...statusWord(block), ...facts].join(layout.glyphs.separator);
  const glyph = layout.glyphs[mark.glyph].padEnd(layout.capabilities.unicode ? 1 : 2);
  const head: Line = [
    span("  "),
    span(glyph, mark.token),
    span(" "),
    span(name.padEnd(NAME_WIDTH), "tool_name"),
    span(" "),
  ];
  const room = width - lineWidth(head);
  const measure = Math.min(width - 1, MEASURE_MAX);
  const titleRoom = measure - lineWidth(head) - (result === "" ? 0 : widthOf(result) + 2);
  const isCut = widthOf(title.text) > titleRoom;
  if (room < TITLE_WIDTH_MIN || (isCut && layout.isExpanded)) {
    const indent = span(BODY_INDENT);
    const under = (part: Span) =>
      prefixLines(wrapLine([part], width - BODY_INDENT.length), [indent], [indent]);
    const rows =
      room < TITLE_WIDTH_MIN
        ? [...wrapLine(head, width), ...under(title)]
        : prefixLines(wrapLine([title], room), head, [span(" ".repeat(width - room))]);
    return result === "" ? rows : [...rows, ...under(span(result, "muted"))];
  }
  if (titleRoom < TITLE_WIDTH_MIN) {
    const cut = { ...title, text: cutTitle(block, title.text, room, layout) };
    return [
      [...head, cut],
      truncateLine([span(BODY_INDENT), span(result, "muted")], width, layout.glyphs.ellipsis),
    ];
  }
  const text = cutTitle(block, title.text, titleRoom, layout);
  if (result === "") return [[...head, { ...title, text }]];
  const gap = " ".repeat(measure - lineWidth(head) - widthOf(text) - widthOf(result));
  return [[...head, { ...title, text }, span(gap), span(result, resultToken(block))]];
}

function nameOf(block: ToolCallBlock): string {
  const name = verbs[block.kind] ?? sanitizeLine(block.name);
  return truncateEnd(name === "" ? block.kind : name, NAME_WIDTH_MAX);
}

function titleSpan(block: ToolCallBlock, layout: Layout): Span {
  const lines = sanitizeText(block.title.slice(0, TITLE_CHARACTERS_MAX)).trim().split("\n");
  const more = lines.length > 1 ? ` ${layout.glyphs.ellipsis} +${plural(lines.length - 1, "line")}` : "";
  const title = layout.isExpanded ? lines.join(" ") : sanitizeLine(lines[0] ?? "") + more;
  const path = block.view?.kind === "file" || block.view?.kind === "diff" ? block.view.path : undefined;
  if (path === undefined || layout.root === undefined) return span(title, "tool_title");
  const absolute = path.startsWith("/") ? path : `${layout.root}/${path}`;
  return span(title, "tool_title", safeHref(`file://${encodeURI(absolute.toWellFormed())}`));
}

/** Keeps a path's end and a command's beginning. */
const cutTitle = (block: ToolCallBlock, title: string, room: number, { glyphs }: Layout): string =>
  block.kind === "execute" || title.includes(" ")
    ? truncateEnd(title, room, glyphs.ellipsis)
    : truncateMiddle(title, room, glyphs.ellipsis);

const resultToken = (block: ToolCallBlock): ThemeToken => (hasFailed(block) ? "error" : "muted");

/** A command with an exit code other than 0 has failed, whatever status its agent reports. */
const hasFailed = ({ status, view }: ToolCallBlock): boolean =>
  status === "failed" ||
  (status === "completed" && view?.kind === "command" && view.exit_code !== null && view.exit_code !== 0);

/** The result in a few words: "120 lines", "4 matches", "exit 1 · 0:14", "+12 −4". */
function factsOf(block: ToolCallBlock, layout: Layout): string[] {
  const { view, status, elapsedMs, agent, editedBy } = block;
  const facts: string[] = agent === undefined ? [] : [sanitizeLine(agent)];
  if (editedBy !== null) facts.push(`edited by ${editedBy === undefined ? "you" : sanitizeLine(editedBy)}`);
  if (status === "running" && elapsedMs !== undefined) facts.push(formatClock(elapsedMs));
  if (view?.kind === "command") {
    if (view.exit_code !== null && view.exit_code !== 0) facts.push(`exit ${view.exit_code}`);
    if (status !== "running" && status !== "pending") facts.push(formatDuration(view.duration_ms));
  } else if (status === "completed" && view !== undefined) facts.push(countOf(view, layout));
  return facts;
}

/** The word for a status that a person should not overlook; for others the glyph is enough. */
function statusWord({ status, view }: ToolCallBlock): string[] {
  if (status === "completed" || status === "running" || status === "pending") return [];
  const saysItself = status === "failed" && view?.kind === "command" && view.exit_code !== null;
  return saysItself ? [] : [marks[status].words];
}

function countOf(
  view: Exclude<ToolCallBlock["view"], undefined | { kind: "command" }>,
  { glyphs }: Layout,
): string {
  switch (view.kind) {
    case "diff":
      return `+${view.additions} ${glyphs.minus}${view.deletions}`;
    case "file":
      return plural(view.line_count, "line");
    case "matches":
      return `${view.truncated ? "first " : ""}${plural(view.count, "match", "matches")}`;
  }
}

function bodyLines(block: ToolCallBlock, width: number, layout: Layout): Line[] {
  const { view, status, isExpanded } = { ...block, isExpanded: layout.isExpanded };
  if (view?.kind === "diff" && status !== "denied" && view.unified !== "") {
    return diffLines(sanitizeText(view.unified), width, layout, isExpanded ? {} : { rowsMax: DIFF_ROWS });
  }
  if (status === "denied" && block.output.startsWith(REFUSED)) {
    const why = sanitizeLine(block.output.slice(REFUSED.length, REFUSED_CHARACTERS_MAX));
    return wrapLine([span(why, "muted")], width);
  }
  const proposal = proposalOf(block);
  if (proposal !== undefined) return outputLines(proposal, PROPOSAL_ROWS, width, layout);
  if (block.name === "task" && status === "running") return outputLines(block.output, 1, width, layout);
  if (isExpanded)
    return [...inputLines(block, width), ...outputLines(block.output, EXPANDED_ROWS, width, layout)];
  if (block.isProviderRun && status === "completed") return sourceLines(block.output, width, layout);
  if (block.kind === "execute" && status !== "denied") {
    const isFailed = status === "failed" || (view?.kind === "command" && view.exit_code !== 0);
    const output = view?.kind === "command" ? withoutEnding(block.output) : block.output;
    return outputLines(output, isFailed ? FAILED_TAIL_ROWS : TAIL_ROWS, width, layout);
  }
  if (status === "failed" || (block.kind === "other" && status === "completed"))
    return outputLines(block.output, TAIL_ROWS, width, layout);
  return [];
}

/** A plan that was given for approval. */
function proposalOf({ kind, input }: ToolCallBlock): string | undefined {
  if (kind !== "think" || typeof input !== "object" || input === null || !("proposal" in input))
    return undefined;
  return typeof input.proposal === "string" ? input.proposal : undefined;
}

/** The command's output without the line about its end that the model gets: the head shows the exit code. */
const withoutEnding = (output: string): string =>
  output.replace(/\n*\[exit code \d+ after [^\n]*\]\s*$/, "").replace(/^\(no output\)$/, "");

/** What a provider's search has found, the best first. */
function sourceLines(output: string, width: number, layout: Layout): Line[] {
  const lines = output.trim().split("\n");
  const shown = lines.slice(0, SOURCE_ROWS);
  const hidden = lines.length - shown.length;
  const rows = outputLines(shown.join("\n"), SOURCE_ROWS, width, layout);
  const more = hidden > 0 ? wrapLine([span(moreText(`${hidden} more`, layout), "muted")], width) : [];
  return [...rows, ...more];
}

/** Unknown tools show their input. */
function inputLines(block: ToolCallBlock, width: number): Line[] {
  if (block.kind !== "other" || block.input === undefined || block.input === null) return [];
  const text = sanitizeText(JSON.stringify(block.input, null, 2));
  return text.split("\n").flatMap((line) => wrapVerbatim([span(line, "muted")], width));
}

/** The lines around what others have said, which say so to the model. */
const marksForModel = /^<\/?outside_data(?: source="[^\n]*")?>\n?/gm;

/** The last rows of an output with a gutter, and the number of rows above them. */
function outputLines(output: string, rowsMax: number, width: number, layout: Layout): Line[] {
  const tail =
    output.length > TAIL_CHARACTERS ? output.slice(-TAIL_CHARACTERS).replace(/^[^\n]*\n/, "") : output;
  const lines = sanitizeText(layout.isExpanded ? output : tail)
    .replace(marksForModel, "")
    .replace(/\s+$/, "")
    .split("\n");
  while (lines[0]?.trim() === "") lines.shift();
  if (lines.length === 0) return [];
  const shown = lines.slice(-rowsMax);
  const cut = output.length - tail.length;
  const hidden = lines.length - shown.length + (layout.isExpanded || cut === 0 ? 0 : countLines(output, cut));
  const gutter = layout.capabilities.screenReader ? "" : `${layout.glyphs.gutter} `;
  const inner = width - widthOf(gutter);
  const rows = shown.flatMap((line) => {
    const whole = [span(line, "muted")];
    if (layout.isExpanded) return wrapVerbatim(whole, inner);
    return wrapVerbatim(whole, Number.POSITIVE_INFINITY).map((row) =>
      truncateLine(row, inner, layout.glyphs.ellipsis),
    );
  });
  // A single hidden row takes no more room than the row that would say so.
  const more =
    hidden > 0 ? wrapLine([span(moreText(`${plural(hidden, "line")} above`, layout), "muted")], inner) : [];
  return prefixLines([...more, ...rows], [span(gutter, "muted")], [span(gutter, "muted")]);
}

function countLines(text: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at !== -1 && at < end; at = text.indexOf("\n", at + 1)) count += 1;
  return count;
}
