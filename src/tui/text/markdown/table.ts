import type { Tokens } from "marked";
import type { Layout } from "../layout.ts";
import { addStyle, type Line, lineText, lineWidth, type Span, span, splitLines, wrapLine } from "../line.ts";
import { widthOf } from "../width.ts";
import { inlineSpans } from "./inline.ts";

/** Narrower columns are hard to read. */
const COLUMN_WIDTH_MIN = 6;

type Cell = Line[];
type Align = Tokens.TableCell["align"];

/** A table with aligned columns. If the columns do not fit, each row is shown as a record. */
export function tableLines(table: Tokens.Table, width: number, layout: Layout): Line[] {
  const header = table.header.map((cell) => cellOf(cell, "strong", layout));
  const rows = table.rows.map((row) => row.map((cell) => cellOf(cell, "text", layout)));
  const natural = header.map((cell, column) =>
    Math.max(1, cellWidth(cell), ...rows.map((row) => cellWidth(row[column] ?? []))),
  );
  const separatorWidth = 3 * (natural.length - 1);
  const widths = fitted(natural, width - separatorWidth);
  if (layout.capabilities.screenReader || widths === undefined) return recordLines(table, width, layout);
  const { glyphs } = layout;
  const rule = widths
    .map((column) => glyphs.rule.repeat(column))
    .join(`${glyphs.rule}${glyphs.cross}${glyphs.rule}`);
  const draw = (row: readonly Cell[]) => rowLines(row, widths, table.align, glyphs.gutter);
  const drawn = rows.map(draw);
  // Rows of several lines need a rule between them.
  const isTall = drawn.some((lines) => lines.length > 1);
  const ruleLine: Line = [span(rule, "muted")];
  return [
    ...draw(header),
    ruleLine,
    ...drawn.flatMap((lines, index) => (isTall && index > 0 ? [ruleLine, ...lines] : lines)),
  ];
}

function cellOf(cell: Tokens.TableCell, style: "strong" | "text", layout: Layout): Cell {
  const tokenStyle = style === "strong" ? addStyle("text", "strong") : "text";
  return splitLines(inlineSpans(cell.tokens, tokenStyle, layout));
}

const cellWidth = (cell: Cell): number => Math.max(0, ...cell.map(lineWidth));

/** Narrows the widest columns until the row fits; undefined if that would make columns too narrow. */
function fitted(natural: readonly number[], room: number): number[] | undefined {
  const total = natural.reduce((sum, width) => sum + width, 0);
  if (total <= room) return [...natural];
  const least = natural.map((width) => Math.min(width, COLUMN_WIDTH_MIN));
  if (least.reduce((sum, width) => sum + width, 0) > room) return undefined;
  let cap = Math.max(...natural);
  const capped = () => natural.map((width) => Math.min(width, cap));
  while (capped().reduce((sum, width) => sum + width, 0) > room) cap -= 1;
  const widths = capped();
  let spare = room - widths.reduce((sum, width) => sum + width, 0);
  for (const [column, width] of natural.entries()) {
    if (spare > 0 && width > cap) {
      widths[column] = cap + 1;
      spare -= 1;
    }
  }
  return widths;
}

function rowLines(
  row: readonly Cell[],
  widths: readonly number[],
  aligns: readonly Align[],
  gutter: string,
): Line[] {
  const cells = widths.map((width, column) => (row[column] ?? []).flatMap((line) => wrapLine(line, width)));
  const height = Math.max(1, ...cells.map((cell) => cell.length));
  return Array.from({ length: height }, (_, index) => {
    const line: Span[] = [];
    for (const [column, width] of widths.entries()) {
      if (column > 0) line.push(span(` ${gutter} `, "muted"));
      const isLast = column === widths.length - 1;
      line.push(...aligned(cells[column]?.[index] ?? [], width, aligns[column] ?? null, isLast));
    }
    return line;
  });
}

function aligned(line: Line, width: number, align: Align, isLast: boolean): Line {
  const free = Math.max(0, width - lineWidth(line));
  const left = align === "right" ? free : align === "center" ? Math.floor(free / 2) : 0;
  const right = isLast ? 0 : free - left;
  return [
    ...(left > 0 ? [span(" ".repeat(left))] : []),
    ...line,
    ...(right > 0 ? [span(" ".repeat(right))] : []),
  ];
}

/** `name: value` lines, a blank line between the rows. */
function recordLines(table: Tokens.Table, width: number, layout: Layout): Line[] {
  const names = table.header.map((cell) =>
    lineText(inlineSpans(cell.tokens, "text", layout)).replaceAll("\n", " "),
  );
  return table.rows.flatMap((row, index) => {
    const fields = row.flatMap((cell, column): Line[] => {
      const name = names[column] ?? "";
      const label = name === "" ? "" : `${name}: `;
      const spans = [span(label, "strong"), ...inlineSpans(cell.tokens, "text", layout)];
      if (widthOf(label) === 0 && cell.text === "") return [];
      return splitLines(spans).flatMap((line) => wrapLine(line, width));
    });
    return index > 0 ? [[], ...fields] : fields;
  });
}
