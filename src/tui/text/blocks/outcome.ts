import { nounFor, plural } from "../../../protocol/plural.ts";
import type { Outcome } from "../../../protocol/run.ts";
import type { ThemeToken } from "../../theme.ts";
import { formatBytes, formatClock, formatCost, formatCount } from "../figures.ts";
import type { Glyphs } from "../glyphs.ts";
import type { Layout } from "../layout.ts";
import { type Line, prefixLines, type Span, span, splitLines, truncateLine, wrapLine } from "../line.ts";
import { sanitizeLine, sanitizeText } from "../sanitize.ts";
import { truncateEnd, widthOf } from "../width.ts";
import type {
  FileBlock,
  HeaderBlock,
  NoticeBlock,
  PermissionBlock,
  PresenceBlock,
  QueueBlock,
  TurnEndBlock,
} from "./block.ts";

/** Commands and paths inside a line are cut to this width. */
const SUBJECT_WIDTH_MAX = 200;
const NOTICE_ROWS_MAX = 12;
/** An agent's error message may be of any size. */
const TEXT_CHARACTERS_MAX = 8000;

/** Text after a mark, with its further rows indented. A screen reader gets a word instead of the mark. */
function marked(
  mark: string,
  token: ThemeToken,
  word: string,
  content: Line,
  width: number,
  layout: Layout,
): Line[] {
  if (layout.capabilities.screenReader)
    return splitLines([span(word === "" ? "" : `${word}: `), ...content]).flatMap((line) =>
      wrapLine(line, width),
    );
  const first = `${mark} `;
  const indent = " ".repeat(widthOf(first));
  const rows = splitLines(content).flatMap((line) => wrapLine(line, Math.max(4, width - widthOf(first))));
  return prefixLines(rows, [span(first, token)], [span(indent)]);
}

export function noticeLines(block: NoticeBlock, width: number, layout: Layout): Line[] {
  const { glyphs } = layout;
  const look = {
    info: [glyphs.dot, "muted", "note"],
    warning: [glyphs.warning, "warning", "warning"],
    error: [glyphs.fail, "error", "error"],
  } as const;
  const [mark, token, word] = look[block.level];
  const more = layout.isExpanded && block.detail !== undefined ? `\n${block.detail}` : "";
  const text = span(
    sanitizeText((block.text + more).slice(0, TEXT_CHARACTERS_MAX)).trim(),
    block.level === "info" ? "muted" : "text",
  );
  const lines = marked(`  ${mark}`, token, word, [text], width, layout);
  if (layout.isExpanded || lines.length <= NOTICE_ROWS_MAX) return lines;
  return [...lines.slice(0, NOTICE_ROWS_MAX), [span(`    ${glyphs.ellipsis}`, "muted")]];
}

export function permissionLines(block: PermissionBlock, width: number, layout: Layout): Line[] {
  const { glyphs } = layout;
  const who = block.by === null ? "" : ` by ${block.by === undefined ? "you" : sanitizeLine(block.by)}`;
  const after = block.afterMs === undefined ? "" : ` after ${formatClock(block.afterMs)}`;
  const subject = truncateEnd(
    sanitizeLine(block.subject.slice(0, 4 * SUBJECT_WIDTH_MAX)),
    SUBJECT_WIDTH_MAX,
    glyphs.ellipsis,
  );
  const message =
    block.message === undefined || block.message === ""
      ? ""
      : `${glyphs.separator}"${sanitizeLine(block.message)}"`;
  const verdict = {
    allow_once: "allowed once",
    allow_session: "allowed for this session",
    allow_always: "allowed always",
    deny: "denied",
  };
  const content = (words: string): Line => [
    span(words),
    span(glyphs.separator, "muted"),
    span(subject, "muted"),
    span(message, "muted"),
  ];
  if (block.decision === undefined)
    return marked(
      `  ${glyphs.stopped}`,
      "muted",
      "permission",
      content("canceled before an answer"),
      width,
      layout,
    );
  const isAllowed = block.decision !== "deny";
  const mark = isAllowed ? glyphs.ok : glyphs.denied;
  const changed = block.isEdited === true ? " as changed" : "";
  const words = `${block.verdict ?? verdict[block.decision]}${changed}${who}${after}`;
  return marked(`  ${mark}`, isAllowed ? "success" : "warning", "permission", content(words), width, layout);
}

const endings: {
  readonly [O in Outcome]: {
    mark: keyof Glyphs & ("stopped" | "fail" | "warning" | "ok");
    token: ThemeToken;
    words: string;
  };
} = {
  end_turn: { mark: "ok", token: "muted", words: "" },
  steered: { mark: "ok", token: "muted", words: "" },
  canceled: { mark: "stopped", token: "warning", words: "Canceled" },
  interrupted: { mark: "stopped", token: "warning", words: "Interrupted: the daemon stopped" },
  error: { mark: "fail", token: "error", words: "The run failed" },
  max_tokens: { mark: "warning", token: "warning", words: "Stopped at the model's output limit" },
  max_steps: { mark: "warning", token: "warning", words: "Stopped at the step limit" },
  refusal: { mark: "warning", token: "warning", words: "The model declined to answer" },
};

/** No lines for a normal end, unless the turn's figures are known. */
export function turnEndLines(block: TurnEndBlock, width: number, layout: Layout): Line[] {
  const dot = layout.glyphs.separator;
  const clock = block.durationMs === undefined ? undefined : formatClock(block.durationMs);
  const figures = [
    ...(block.agent === undefined ? [] : [sanitizeLine(block.agent)]),
    ...(block.tokens === undefined || block.tokens === 0
      ? []
      : [`${formatCount(block.tokens)} ${nounFor(block.tokens, "token")}`]),
    ...(block.cost === undefined || block.cost === 0 ? [] : [formatCost(block.cost)]),
  ];
  const ending = endings[block.outcome];
  if (ending.words === "") {
    if (clock === undefined || block.outcome === "steered") return [];
    const text = [clock, ...figures].join(dot);
    return wrapLine(
      [span(layout.capabilities.screenReader ? `done after ${text}` : `  ${text}`, "muted")],
      width,
    );
  }
  const by =
    block.outcome !== "canceled" || block.by === null
      ? ""
      : ` by ${block.by === undefined ? "you" : sanitizeLine(block.by)}`;
  const error =
    block.error === undefined ? "" : `: ${sanitizeText(block.error.message.slice(0, TEXT_CHARACTERS_MAX))}`;
  const after = clock === undefined ? "" : ` after ${clock}`;
  const facts = [
    ...(block.stopped.length === 0 ? [] : [stoppedText(block.stopped, layout.glyphs)]),
    ...(block.held === 0 ? [] : [`${plural(block.held, "queued prompt")} held`]),
    ...figures,
  ];
  const content: Span[] = [
    span(`${ending.words}${after}${by}${error}`, "strong"),
    ...facts.map((fact) => span(`${dot}${fact}`, "muted")),
  ];
  return marked(layout.glyphs[ending.mark], ending.token, "", content, width, layout);
}

function stoppedText(titles: readonly string[], glyphs: Glyphs): string {
  const first = truncateEnd(sanitizeLine(titles[0] ?? ""), 40, glyphs.ellipsis);
  const more = titles.length > 1 ? `, ${glyphs.ellipsis}` : "";
  return `${plural(titles.length, "tool")} stopped (${first}${more})`;
}

export function headerLines(block: HeaderBlock, width: number, layout: Layout): Line[] {
  const dot = layout.glyphs.separator;
  const branch = block.branch === null ? "" : ` (${sanitizeLine(block.branch)})`;
  const title = block.sessionTitle === undefined ? [] : [sanitizeLine(block.sessionTitle)];
  const facts = [`${sanitizeLine(block.path)}${branch}`, ...title, ...block.facts.map(sanitizeLine)];
  const spans = [span("hearth", "accent strong"), span(` ${block.version}`, "muted")];
  return wrapLine([...spans, ...facts.map((fact) => span(`${dot}${fact}`, "muted"))], width);
}

export function presenceLines(block: PresenceBlock, width: number, layout: Layout): Line[] {
  const text = sanitizeLine(block.text);
  const { glyphs, capabilities } = layout;
  if (capabilities.screenReader || !block.isRule)
    return marked(glyphs.dot, "muted", "", [span(text, "muted")], width, layout);
  const dashes = glyphs.rule.repeat(2);
  const room = Math.max(1, width - 2 * widthOf(dashes) - 2);
  const fitted = truncateEnd(text, room, glyphs.ellipsis);
  return [[span(`${dashes} ${fitted} ${dashes}`, "muted")]];
}

export function queueLines(block: QueueBlock, width: number, layout: Layout): Line[] {
  const { glyphs, capabilities } = layout;
  return block.entries.map((entry, index) => {
    const label = index === 0 || capabilities.screenReader ? "queue " : "      ";
    const state = entry.isHeld ? "held" : entry.isSteering ? "steering" : "";
    const who = entry.by === undefined ? "you" : sanitizeLine(entry.by);
    const right = ` (${[who, state].filter((part) => part !== "").join(", ")})`;
    const left = `  ${label}${index + 1}  `;
    const room = Math.max(4, Math.min(width - 1, 100) - widthOf(left) - widthOf(right));
    const text = truncateEnd(
      sanitizeLine(entry.text.trim().slice(0, TEXT_CHARACTERS_MAX)),
      room,
      glyphs.ellipsis,
    );
    const pad = capabilities.screenReader ? "" : " ".repeat(Math.max(0, room - widthOf(text)));
    return truncateLine(
      [span(left, "muted"), span(text), span(pad), span(right, "muted")],
      width,
      glyphs.ellipsis,
    );
  });
}

export function fileLines(block: FileBlock, width: number, layout: Layout): Line[] {
  const name = sanitizeLine(block.path ?? block.name);
  const text = [name, sanitizeLine(block.mediaType), formatBytes(block.size)].join(layout.glyphs.separator);
  return marked("  +", "accent", "file", [span(text)], width, layout);
}
