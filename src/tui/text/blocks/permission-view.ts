import { containerLabel } from "../../../protocol/container.ts";
import type { Permission, PermissionOption } from "../../../protocol/permission.ts";
import { plural } from "../../../protocol/plural.ts";
import { formatClock } from "../figures.ts";
import { homePath } from "../home-path.ts";
import { type Layout, moreText } from "../layout.ts";
import { type Line, lineWidth, prefixLines, span, truncateLine, wrapLine, wrapVerbatim } from "../line.ts";
import { spellOut } from "../sanitize.ts";
import { diffEnds, endsOf } from "./diff.ts";
import { MEASURE_MAX } from "./tool-call.ts";

type Answer = Pick<PermissionOption, "label" | "rules">;

export type PermissionView = {
  /** Who asks, where it is not only the agent. */
  who?: string | undefined;
  /** The answers, if they are more than the daemon's options. */
  answers?: readonly Answer[];
  /** The index of the selected option. */
  selected: number;
  /** How long ago it was asked; undefined: not shown. */
  askedMs: number | undefined;
  /** The number of attached terminals, with this one. */
  terminals: number;
  /** The number of questions after this one. */
  waiting: number;
  /** The most rows for the whole question. The subject is cut first, in its middle. */
  rowsMax: number;
  /** Further keys: "esc deny and stop the turn", "e edit command". */
  hints: readonly string[];
  /** The home folder, shown as `~`. */
  home?: string | undefined;
};

/**
 * `hiddenRows`: rows of the subject that did not fit. `hiddenOptions`: indices of answers that did not fit whole, such
 * as their rules. Nobody should allow what they have not seen.
 */
export type PermissionLines = { lines: Line[]; hiddenRows: number; hiddenOptions: number[] };

const SUBJECT_ROWS_MIN = 3;
/** With this many rows of the subject visible, the hints and facts of the question may take room. */
const SUBJECT_ROWS_GOOD = 6;
/** More rows than any window has: nothing is cut. */
const WHOLE_ROWS_MIN = 1000;
/** An agent's text in the other parts must not push the subject or the options off the screen. */
const HEAD_ROWS_MAX = 5;
const REASON_ROWS_MAX = 3;
const OPTION_ROWS_MAX = 4;
const INDENT = "    ";

/**
 * Lays out an open question. Nothing is removed from its text, as sanitising does elsewhere: invisible and control
 * characters are spelled out.
 */
export function permissionLines(
  permission: Permission,
  view: PermissionView,
  width: number,
  layout: Layout,
): PermissionLines {
  const inner = Math.max(12, width);
  // The full view cuts nothing.
  const isWhole = view.rowsMax >= WHOLE_ROWS_MIN;
  const capped = (lines: Line[], rowsMax: number, hiddenRows = 0) =>
    isWhole && hiddenRows === 0
      ? { lines, hiddenRows: 0 }
      : cutMiddle(lines, rowsMax, hiddenRows, inner, layout);
  const reasons = capped(reasonLines(permission, inner, layout), REASON_ROWS_MAX);
  // If there is little room, hints and facts are dropped first, before any of the subject or the answers.
  const sizes = [
    { hasFacts: true, hasHints: true, optionRows: OPTION_ROWS_MAX },
    { hasFacts: true, hasHints: false, optionRows: OPTION_ROWS_MAX },
    { hasFacts: false, hasHints: false, optionRows: OPTION_ROWS_MAX },
    { hasFacts: false, hasHints: false, optionRows: 1 },
  ].map(({ hasFacts, hasHints, optionRows }) => {
    const head = capped(headLines(permission, view, inner, layout, hasFacts), HEAD_ROWS_MAX);
    const options = (view.answers ?? permission.options).map((option, index) => {
      const lines = optionLines(option, index, view, inner, layout);
      if (optionRows > 1 || isWhole || lines.length === 1) return capped(lines, OPTION_ROWS_MAX);
      const [first = []] = lines;
      return { lines: [[...first, span(layout.glyphs.ellipsis, "muted")]], hiddenRows: lines.length - 1 };
    });
    const hints = hasHints ? hintLines(view, inner, layout) : [];
    const around = [head, reasons, ...options].reduce((sum, part) => sum + part.lines.length, hints.length);
    return { head, options, hints, around };
  });
  const subjectAt = (around: number) => {
    const room = Math.max(SUBJECT_ROWS_MIN, view.rowsMax - around);
    const asked = subjectLines(permission, inner, room, layout);
    return capped(asked.lines, room, asked.hiddenRows);
  };
  const fitting = sizes.find(({ around }) => {
    const subject = subjectAt(around);
    return subject.hiddenRows === 0 && around + subject.lines.length <= view.rowsMax;
  });
  // A subject that is too long for all sizes is cut, and the answers stay whole, as long as a part of the subject is
  // visible. Hints and facts stay only if a good part of it is.
  const size =
    fitting ??
    sizes.find(({ around }) => around + SUBJECT_ROWS_GOOD <= view.rowsMax) ??
    sizes.slice(0, -1).findLast(({ around }) => around + SUBJECT_ROWS_MIN <= view.rowsMax) ??
    sizes.at(-1);
  if (size === undefined) throw new Error("there is a size for every question");
  const { head, options } = size;
  const subject = subjectAt(size.around);
  const parts = [head, subject, reasons, ...options, { lines: size.hints, hiddenRows: 0 }];
  const { ellipsis } = layout.glyphs;
  return {
    lines: parts.flatMap((part) => part.lines.map((line) => truncateLine(line, width, ellipsis))),
    hiddenRows: [head, subject, reasons].reduce((sum, part) => sum + part.hiddenRows, 0),
    hiddenOptions: options.flatMap((option, index) => (option.hiddenRows > 0 ? [index] : [])),
  };
}

function headLines(
  permission: Permission,
  view: PermissionView,
  width: number,
  layout: Layout,
  hasFacts: boolean,
): Line[] {
  const { glyphs, capabilities } = layout;
  const question = questionOf(permission, view);
  const facts = [
    ...(view.askedMs === undefined ? [] : [`asked ${formatClock(view.askedMs)}`]),
    ...(view.terminals > 1 ? [`seen on ${view.terminals} terminals`] : []),
    ...(view.waiting > 0 ? [`${plural(view.waiting, "more question")}`] : []),
  ]
    .filter(() => hasFacts)
    .join(glyphs.separator);
  // A screen reader would read a counting clock again and again.
  if (capabilities.screenReader) return wrapLine([span(`Question: ${question}`)], width);
  const left: Line = [span(`${glyphs.question} `, "warning strong"), span(question, "strong")];
  const free = Math.min(width - 1, MEASURE_MAX) - lineWidth(left) - facts.length;
  if (facts === "") return prefixLines(wrapLine(left.slice(1), width - 2), left.slice(0, 1), [span("  ")]);
  if (free >= 2) return [[...left, span(" ".repeat(free)), span(facts, "muted")]];
  const rows = prefixLines(wrapLine([span(question, "strong")], width - 2), left.slice(0, 1), [span("  ")]);
  const under = wrapLine([span(facts, "muted")], width - 2);
  return [...rows, ...prefixLines(under, [span("  ")], [span("  ")])];
}

const editVerbs = { added: "create", modified: "change", deleted: "delete", renamed: "move" } as const;

function questionOf(
  { agent, kind, title, detail }: Permission,
  { who: named = agent, home }: PermissionView,
): string {
  const who = spellOut(named).replaceAll("\n", " ");
  switch (detail.type) {
    case "command":
      return `${who} wants to run a command in ${shortPath(detail.cwd, home)}`;
    case "edit": {
      const isNew = detail.unified.startsWith("@@ -0,0 ");
      const guessed = kind === "delete" || kind === "move" ? kind : isNew ? "create" : "change";
      const verb = detail.file === undefined ? guessed : editVerbs[detail.file.kind];
      return `${who} wants to ${verb} ${shortPath(detail.path, home)}`;
    }
    case "text":
      return `${who} asks: ${spellOut(title).replaceAll("\n", " ")}`;
    case "question":
      return `${who} asks`;
    case "plan":
      return `${who} has a plan`;
  }
}

function withoutDiff(kind: keyof typeof editVerbs | undefined): string {
  if (kind === undefined) return "It does not say what it will write.";
  return kind === "renamed" || kind === "modified" ? "Its text stays as it is." : "The file is empty.";
}

const shortPath = (path: string, home: string | undefined): string =>
  spellOut(homePath(path, home)).replaceAll("\n", "\\n");

/** At least the first and the last `rowsMax` rows, and the number of others, which need not be laid out. */
function subjectLines({ detail }: Permission, width: number, rowsMax: number, layout: Layout) {
  const inner = width - INDENT.length;
  if (detail.type === "edit") {
    if (detail.unified === "")
      return {
        lines: wrapLine([span(`${INDENT}${withoutDiff(detail.file?.kind)}`, "warning")], width),
        hiddenRows: 0,
      };
    const { lines, hiddenRows } = diffEnds(spellOut(detail.unified), inner, layout, rowsMax);
    return { lines: prefixLines(lines, [span(INDENT)], [span(INDENT)]), hiddenRows };
  }
  const isCommand = detail.type === "command";
  const prompt = isCommand ? "$ " : "";
  const room = inner - prompt.length - 2;
  const text = spellOut(askedText(detail)).split("\n");
  const ends = endsOf(text, rowsMax);
  let hiddenRows = text.length - ends.length;
  const lines = ends.flatMap((line, index) => {
    const spare = Math.floor((line.length - 2 * rowsMax * room) / room);
    if (spare > 0) hiddenRows += spare;
    const shown = spare > 0 ? line.slice(0, rowsMax * room) + line.slice(-rowsMax * room) : line;
    const first = index === 0 ? prompt : " ".repeat(prompt.length);
    // Continuation rows are indented further, so that none of them looks like a command of its own.
    return prefixLines(
      wrapVerbatim([span(shown.toWellFormed())], room),
      [span(INDENT + first, "muted")],
      [span(`${INDENT}${" ".repeat(prompt.length)}  `)],
    );
  });
  return { lines, hiddenRows };
}

function askedText(detail: Exclude<Permission["detail"], { type: "edit" }>): string {
  switch (detail.type) {
    case "command":
      return detail.command;
    case "text":
    case "plan":
      return detail.text;
    case "question":
      return detail.question;
  }
}

/** Where a command will run; other agents start theirs themselves. */
function sandboxLabel(detail: Permission["detail"]): string[] {
  if (detail.type !== "command") return [];
  if (detail.container !== undefined) return [`in ${containerLabel(detail.container)}`];
  if (detail.sandboxed === undefined) return [];
  return [detail.sandboxed ? "sandboxed" : "unsandboxed"];
}

function reasonLines({ detail }: Permission, width: number, { glyphs }: Layout): Line[] {
  const reasons = [...detail.reasons, ...sandboxLabel(detail)];
  if (reasons.length === 0) return [];
  const text = reasons.map((reason) => spellOut(reason).replaceAll("\n", " ")).join(glyphs.separator);
  const indent = span(`${INDENT}  `);
  return prefixLines(wrapLine([span(text, "warning")], width - INDENT.length - 2), [indent], [indent]);
}

/** An option, with the exact rules it would store beside or below it. */
function optionLines(
  option: Answer,
  index: number,
  view: PermissionView,
  width: number,
  layout: Layout,
): Line[] {
  const isSelected = index === view.selected;
  const mark = isSelected ? `${layout.glyphs.prompt} ` : "  ";
  const first: Line = [
    span(layout.capabilities.screenReader ? "" : `  ${mark}`, isSelected ? "selection" : "text"),
    span(`${index + 1} `, isSelected ? "selection" : "muted"),
  ];
  const indent = span(" ".repeat(lineWidth(first)));
  const room = width - lineWidth(first);
  const label = span(spellOut(option.label).replaceAll("\n", " "), isSelected ? "selection" : "text");
  const rules = option.rules.map((rule) => spellOut(rule).replaceAll("\n", "\\n"));
  if (rules.every((rule) => label.text.includes(rule)))
    return prefixLines(wrapLine([label], room), first, [indent]);
  const beside: Line = [label, span(`  ${rules.join(", ")}`, "muted")];
  if (lineWidth(beside) <= room) return [[...first, ...beside]];
  const below = rules.flatMap((rule) => wrapVerbatim([span(`  ${rule}`, "muted")], room));
  return prefixLines([...wrapLine([label], room), ...below], first, [indent]);
}

function hintLines({ hints }: PermissionView, width: number, { glyphs }: Layout): Line[] {
  if (hints.length === 0) return [];
  const lines = wrapLine([span(hints.join(glyphs.separator), "muted")], width - INDENT.length);
  return prefixLines(lines, [span(INDENT)], [span(INDENT)]);
}

/** Keeps both ends: dangerous parts of a command hide at the end of a long one. */
function cutMiddle(
  lines: readonly Line[],
  rowsMax: number,
  hiddenBefore: number,
  width: number,
  layout: Layout,
) {
  if (lines.length <= rowsMax) return { lines: [...lines], hiddenRows: hiddenBefore };
  const more = (hidden: number) => {
    const text = moreText(`${plural(hidden, "row")} not shown`, layout);
    return prefixLines(wrapLine([span(text, "warning strong")], width - 4), [span(INDENT)], [span(INDENT)]);
  };
  const shown = Math.max(1, rowsMax - more(lines.length + hiddenBefore).length);
  const end = Math.floor(shown / 2);
  const hiddenRows = lines.length - shown + hiddenBefore;
  const tail = lines.slice(lines.length - end);
  return { lines: [...lines.slice(0, shown - end), ...more(hiddenRows), ...tail], hiddenRows };
}
