import fc from "fast-check";
import stringWidth from "string-width";
import { expect, test } from "vitest";
import type { Permission } from "../../src/protocol/permission.ts";
import type { Capabilities } from "../../src/tui/local/capabilities.ts";
import { createPainter } from "../../src/tui/text/ansi.ts";
import type { Block } from "../../src/tui/text/blocks/block.ts";
import { permissionLines } from "../../src/tui/text/blocks/permission-view.ts";
import { renderBlocks } from "../../src/tui/text/blocks/render-block.ts";
import { glyphsOf } from "../../src/tui/text/glyphs.ts";
import { loadHighlight } from "../../src/tui/text/highlight/load-highlight.ts";
import { layoutFor } from "../../src/tui/text/layout.ts";
import { type Line, lineText, lineWidth, span, wrapLine, wrapVerbatim } from "../../src/tui/text/line.ts";
import { splitText } from "../../src/tui/text/markdown/open-text.ts";
import { sanitizeText } from "../../src/tui/text/sanitize.ts";
import { fittingFields, SIDES_GAP, STATUS_INDENT } from "../../src/tui/text/status-line.ts";
import { expandTabs, truncateEnd, truncateMiddle, widthOf } from "../../src/tui/text/width.ts";
import { themes, themeTokens } from "../../src/tui/theme.ts";
import { markdown, oddText, phrase } from "./text-markdown.ts";

const highlight = await loadHighlight();

const capabilities: fc.Arbitrary<Capabilities> = fc.record({
  isTTY: fc.constant(true),
  columns: fc.constant(80),
  rows: fc.constant(24),
  color: fc.constantFrom("none" as const, "16" as const, "256" as const, "truecolor" as const),
  attributes: fc.boolean(),
  unicode: fc.boolean(),
  hyperlinks: fc.boolean(),
  screenReader: fc.boolean(),
  cursor: fc.constant(true),
  background: fc.constant("dark" as const),
});
const width = fc.integer({ min: 20, max: 200 });
const text = fc.oneof(
  markdown,
  oddText,
  fc.array(oddText, { maxLength: 20 }).map((parts) => parts.join("\n")),
);

/** The two kinds of sequence that the renderer makes, and nothing else that a terminal would obey. */
const own = /\x1b\[[\d;]*m|\x1b\]8;;[\x21-\x7e]*\x07/g;

/** By the parameter that would end each. */
function stylesLeftOn(row: string): number[] {
  let open: number[] = [];
  for (const [, parameters = ""] of row.matchAll(/\x1b\[([\d;]*)m/g)) {
    const code = Number.parseInt(parameters, 10);
    const isEnd = [22, 23, 24, 27, 29, 39, 49].includes(code);
    const color = Math.floor(code / 10) % 2 === 0 ? 49 : 39;
    if (isEnd) open = open.filter((end) => end !== code);
    else open.push(code === 1 || code === 2 ? 22 : code < 10 ? code + 20 : color);
  }
  return open;
}

function faultOf(row: string, columns: number): string | undefined {
  if (stringWidth(row) > columns) return `wider than ${columns}: ${stringWidth(row)}`;
  const bare = row.replace(own, "");
  if (/[\x00-\x1f\x7f-\x9f]/.test(bare)) return "a control character";
  if (/[\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/.test(bare)) return "a hidden character";
  if (!bare.isWellFormed()) return "half a character";
  if (stylesLeftOn(row).length > 0) return "a style that does not end";
  const links = row.match(/\x1b\]8;;[\x21-\x7e]*\x07/g) ?? [];
  if (links.length > 0 && links.at(-1) !== "\x1b]8;;\x07") return "a link that does not end";
  return undefined;
}

const expectSound = (rows: readonly string[], columns: number) =>
  expect(rows.flatMap((row) => faultOf(row, columns) ?? [])).toEqual([]);

const blocksOfText = (source: string): Block[] =>
  splitText(source).map((piece, index) => ({
    id: `m/p/${index}`,
    isFirst: index === 0,
    isOpen: false,
    ...piece,
  }));

test("no row of an answer is too wide, unsafe or left open, whatever the Markdown", () => {
  fc.assert(
    fc.property(text, width, capabilities, fc.boolean(), (source, columns, can, isColored) => {
      const extras = isColored ? { highlight } : {};
      expectSound(renderBlocks(blocksOfText(source), columns, themes.dark, can, extras), columns);
    }),
    { numRuns: 150, interruptAfterTimeLimit: 15_000 },
  );
});

/** For fields of which a block has many. */
const field = fc.oneof(
  phrase,
  oddText,
  fc.array(phrase, { maxLength: 4 }).map((lines) => lines.join("\n")),
);

const otherBlock: fc.Arbitrary<Block> = fc.oneof(
  fc.record({
    id: fc.constant("m/p/0"),
    type: fc.constant("tool_call" as const),
    toolCallId: fc.constant("t"),
    name: field,
    kind: fc.constantFrom("read" as const, "edit" as const, "execute" as const, "other" as const),
    title: field,
    input: field,
    status: fc.constantFrom(
      "pending" as const,
      "running" as const,
      "completed" as const,
      "failed" as const,
      "denied" as const,
    ),
    output: field,
    elapsedMs: fc.option(fc.nat(), { nil: undefined }),
    agent: fc.option(field, { nil: undefined }),
    editedBy: fc.oneof(fc.constant(null), fc.option(field, { nil: undefined })),
    view: fc.oneof(
      fc.constant(undefined),
      fc.record({
        kind: fc.constant("diff" as const),
        path: field,
        unified: fc
          .array(fc.tuple(fc.constantFrom(" ", "+", "-", "@@ -1,2 +3,4 @@", "\\"), field), { maxLength: 20 })
          .map((lines) => lines.map(([sign, rest]) => sign + rest).join("\n")),
        additions: fc.nat(),
        deletions: fc.nat(),
      }),
      fc.record({
        kind: fc.constant("command" as const),
        command: field,
        exit_code: fc.option(fc.nat({ max: 255 })),
        duration_ms: fc.nat(),
        truncated: fc.boolean(),
      }),
    ),
  }),
  fc.record({
    id: fc.constant("m/q/0"),
    type: fc.constant("prompt" as const),
    text: field,
    by: fc.option(field, { nil: undefined }),
    files: fc.array(fc.record({ name: field, mediaType: field, size: fc.nat() }), { maxLength: 2 }),
    isSteering: fc.boolean(),
  }),
  fc.record({
    id: fc.constant("m/r/0"),
    type: fc.constant("reasoning" as const),
    text: field,
    isOpen: fc.boolean(),
  }),
  fc.record({
    id: fc.constant("m/n/0"),
    type: fc.constant("notice" as const),
    level: fc.constantFrom("info" as const, "warning" as const, "error" as const),
    code: fc.constant("x"),
    text: field,
  }),
  fc.record({
    id: fc.constant("m/s/0"),
    type: fc.constant("permission" as const),
    decision: fc.constantFrom(undefined, "allow_once" as const, "deny" as const),
    subject: field,
    by: fc.option(field, { nil: undefined }),
    message: fc.option(field, { nil: undefined }),
  }),
  fc.record({
    id: fc.constant("m/e/0"),
    type: fc.constant("turn_end" as const),
    outcome: fc.constantFrom(
      "end_turn" as const,
      "canceled" as const,
      "error" as const,
      "max_steps" as const,
    ),
    error: fc.option(fc.record({ code: fc.constant("internal" as const), message: field }), {
      nil: undefined,
    }),
    durationMs: fc.option(fc.nat(), { nil: undefined }),
    by: fc.option(field, { nil: undefined }),
    stopped: fc.array(field, { maxLength: 3 }),
    held: fc.nat({ max: 3 }),
  }),
  fc.record({
    id: fc.constant("m/h/0"),
    type: fc.constant("header" as const),
    version: fc.constant("0.1.0"),
    path: field,
    branch: fc.option(field),
    facts: fc.array(field, { maxLength: 3 }),
  }),
  fc.record({
    id: fc.constant("m/c/0"),
    type: fc.constant("presence" as const),
    text: field,
    isRule: fc.boolean(),
  }),
  fc.record({
    id: fc.constant("m/w/0"),
    type: fc.constant("queue" as const),
    entries: fc.array(
      fc.record({
        text: field,
        by: fc.option(field, { nil: undefined }),
        isHeld: fc.boolean(),
        isSteering: fc.boolean(),
      }),
      { maxLength: 3 },
    ),
  }),
  fc.record({
    id: fc.constant("m/f/0"),
    type: fc.constant("file" as const),
    name: field,
    mediaType: field,
    size: fc.nat(),
  }),
);

test("no row of any other block is too wide, unsafe or left open, whatever is in it", () => {
  const columns = fc.integer({ min: 1, max: 200 });
  fc.assert(
    fc.property(
      fc.array(otherBlock, { maxLength: 4 }),
      columns,
      capabilities,
      fc.boolean(),
      (blocks, wide, can, isExpanded) => {
        expectSound(renderBlocks(blocks, wide, themes.light, can, { isExpanded, root: "/w" }), wide);
      },
    ),
    { numRuns: 150, interruptAfterTimeLimit: 15_000 },
  );
});

test("a question is shown whole where there is room, and never wider than the terminal", () => {
  fc.assert(
    fc.property(
      fc.oneof(field, markdown),
      width,
      capabilities,
      fc.integer({ min: 8, max: 200 }),
      (command, columns, can, rowsMax) => {
        const view = { selected: 0, askedMs: 0, terminals: 2, waiting: 0, rowsMax, hints: ["esc"] };
        const { lines, hiddenRows } = permissionLines(questionAbout(command), view, columns, layoutFor(can));
        const rows = lines.map(createPainter(themes.dark, can));
        expectSound(rows, columns);
        expect(hiddenRows === 0 || rows.length <= Math.max(rowsMax, 32)).toBe(true);
        const shown = rows.join("").replace(own, "").replace(/\s/g, "");
        if (hiddenRows > 0) expect(shown).toContain("notshown");
        else {
          const letters = command.match(/[a-z]{4,}/g) ?? [];
          for (const word of letters) expect(shown).toContain(word);
        }
      },
    ),
    { numRuns: 100, interruptAfterTimeLimit: 15_000 },
  );
});

function questionAbout(command: string): Permission {
  return {
    id: "prm_1",
    session_id: "ses_1",
    run_id: "run_1",
    tool_call_id: "call",
    agent: "hearth",
    kind: "execute",
    title: command,
    detail: { type: "command", command, cwd: "/work", reasons: ["network"] },
    options: [
      { decision: "allow_once", label: "allow once", rules: [] },
      { decision: "allow_session", label: "allow this session", rules: [`bash(${command})`] },
      { decision: "deny", label: "deny", rules: [] },
    ],
    asked_at: "2026-01-01T00:00:00.000Z",
    state: "open",
    decision: null,
    message: null,
    answered_by: null,
    answered_at: null,
  };
}

test("the status line is one row that fits", () => {
  const statusField = fc.record({
    text: field.map((value) => sanitizeText(value).replace(/[\n\t]/g, " ")),
    token: fc.constantFrom(...themeTokens),
    side: fc.constantFrom("left" as const, "right" as const),
    priority: fc.nat({ max: 9 }),
  });
  fc.assert(
    fc.property(
      fc.array(statusField, { maxLength: 8 }),
      fc.integer({ min: 1, max: 200 }),
      capabilities,
      (fields, columns, can) => {
        const { left, right, separator } = fittingFields(fields, columns, glyphsOf(can));
        const widths = [left, right].map((side) => widthOf(side.map(({ text }) => text).join(separator)));
        const [leftWidth = 0, rightWidth = 0] = widths;
        const gap = leftWidth > 0 && rightWidth > 0 ? SIDES_GAP : 0;
        expect(leftWidth + gap + rightWidth).toBeLessThanOrEqual(Math.max(1, columns - STATUS_INDENT));
      },
    ),
  );
});

const safeLine: fc.Arbitrary<Line> = fc
  .array(
    fc.tuple(fc.oneof(oddText, fc.string({ maxLength: 30 })), fc.constantFrom("text", "strong", "code")),
    { maxLength: 8 },
  )
  .map((parts) =>
    parts.map(([part, style]) => span(expandTabs(sanitizeText(part).replaceAll("\n", " ")), style)),
  );

test("wrapping loses nothing but blanks at the breaks, and fits", () => {
  fc.assert(
    fc.property(safeLine, fc.integer({ min: 4, max: 60 }), (line, columns) => {
      const rows = wrapLine(line, columns);
      const bare = (spans: Line) => lineText(spans).replaceAll(" ", "");
      expect(rows.map(bare).join("")).toBe(bare(line));
      expect(Math.max(...rows.map(lineWidth))).toBeLessThanOrEqual(columns);
    }),
    { numRuns: 500 },
  );
});

test("wrapping code loses nothing at all, and fits", () => {
  fc.assert(
    fc.property(safeLine, fc.integer({ min: 4, max: 60 }), (line, columns) => {
      const rows = wrapVerbatim(line, columns);
      expect(rows.map(lineText).join("")).toBe(lineText(line));
      expect(Math.max(...rows.map(lineWidth))).toBeLessThanOrEqual(columns);
    }),
    { numRuns: 500 },
  );
});

test("a cut text fits and says that it was cut", () => {
  fc.assert(
    fc.property(oddText.map(sanitizeText), fc.integer({ min: 1, max: 40 }), (value, columns) => {
      const line = value.replace(/[\n\t]/g, " ");
      for (const cut of [truncateEnd(line, columns), truncateMiddle(line, columns)]) {
        expect(widthOf(cut)).toBeLessThanOrEqual(columns);
        expect(cut === line || cut.includes("…")).toBe(true);
      }
    }),
  );
});
