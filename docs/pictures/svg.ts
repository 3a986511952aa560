import type { Cell } from "../../test/support/emulator.ts";

/** One terminal of a picture. */
export type Shot = {
  rows: readonly (readonly Cell[])[];
  columns: number;
  cursor: { row: number; column: number } | undefined;
};

const CELL = { width: 8.4, height: 18 };
const PADDING = 14;
const GAP = 12;
const COLORS = { page: "#1b1d23", text: "#d7dae0", cursor: "#d7dae0" };
const palette16 =
  "#24272e #e06c75 #98c379 #e5c07b #61afef #c678dd #56b6c2 #d7dae0 #6b7280 #ff8a93 #b5e39a #ffd68a #8cc8ff #e0a3f5 #7fdbe6 #ffffff".split(
    " ",
  );

/** One picture of terminals, one below the other, on a plain dark ground, with no font or file from elsewhere. */
export function drawSvg(shots: readonly Shot[], title: string): string {
  const width = Math.max(...shots.map(({ columns }) => columns)) * CELL.width + 2 * PADDING;
  const parts: string[] = [];
  let top = 0;
  for (const shot of shots) {
    const rows = withoutBlankEnd(shot);
    const height = rows.length * CELL.height + 2 * PADDING;
    parts.push(`<rect y="${top}" width="${round(width)}" height="${height}" rx="8" fill="${COLORS.page}"/>`);
    parts.push(`<g transform="translate(${PADDING} ${top + PADDING})">`);
    rows.forEach((row, index) => {
      parts.push(...drawRow(row, index * CELL.height));
    });
    if (shot.cursor) {
      const { row, column } = shot.cursor;
      parts.push(
        `<rect x="${round(column * CELL.width)}" y="${row * CELL.height + 1}" width="${CELL.width}" height="${CELL.height - 2}" fill="${COLORS.cursor}" fill-opacity=".55"/>`,
      );
    }
    parts.push("</g>");
    top += height + GAP;
  }
  const height = top - GAP;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${height}" viewBox="0 0 ${round(width)} ${height}" role="img" aria-label="${escapeXml(title)}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace" font-size="14">`,
    `<title>${escapeXml(title)}</title>`,
    ...parts,
    "</svg>\n",
  ].join("\n");
}

function withoutBlankEnd({ rows, cursor }: Shot): readonly (readonly Cell[])[] {
  const isBlank = (row: readonly Cell[]) =>
    row.every((cell) => cell.text === " " && cell.background === undefined && !cell.inverse);
  const last = rows.findLastIndex((row) => !isBlank(row));
  return rows.slice(0, Math.max(last, cursor?.row ?? 0) + 1);
}

type Style = { fill: string; ground: string | undefined; marks: string };
type Piece = Style & { text: string; column: number; columns: number };

function drawRow(row: readonly Cell[], y: number): string[] {
  const pieces: Piece[] = [];
  let column = 0;
  for (const cell of row) {
    const style = styleOf(cell);
    const last = pieces.at(-1);
    // A wide character, and what no monospaced font need have at that width, is placed by itself.
    const isAlone = cell.width > 1 || !/^[\x20-\x7e]$/.test(cell.text);
    const joins =
      last !== undefined &&
      !isAlone &&
      /^[\x20-\x7e]+$/.test(last.text) &&
      last.fill === style.fill &&
      last.ground === style.ground &&
      last.marks === style.marks;
    if (joins) {
      last.text += cell.text;
      last.columns += cell.width;
    } else pieces.push({ ...style, text: cell.text, column, columns: cell.width });
    column += cell.width;
  }
  return [...pieces.flatMap((piece) => ground(piece, y)), ...pieces.flatMap((piece) => words(piece, y))];
}

const ground = ({ ground: fill, column, columns }: Piece, y: number): string[] =>
  fill === undefined
    ? []
    : [
        `<rect x="${round(column * CELL.width)}" y="${y}" width="${round(columns * CELL.width)}" height="${CELL.height}" fill="${fill}"/>`,
      ];

function words({ text, column, fill, marks }: Piece, y: number): string[] {
  const begun = text.trimStart();
  const shown = marks.includes("decoration") ? text : begun.trimEnd();
  if (shown === "") return [];
  const at = column + (marks.includes("decoration") ? 0 : text.length - begun.length);
  const columns = shown.length;
  const length = columns > 1 ? ` textLength="${round(columns * CELL.width)}"` : "";
  return [
    `<text x="${round(at * CELL.width)}" y="${y + 13.5}" fill="${fill}"${marks}${length} xml:space="preserve">${escapeXml(shown)}</text>`,
  ];
}

function styleOf(cell: Cell): Style {
  const color = cell.color === undefined ? COLORS.text : colorOf(cell.color);
  const back = cell.background === undefined ? undefined : colorOf(cell.background);
  const lines = [cell.underline ? "underline" : "", cell.strikethrough ? "line-through" : ""].filter(Boolean);
  const marks = [
    cell.bold ? ' font-weight="bold"' : "",
    cell.italic ? ' font-style="italic"' : "",
    cell.dim ? ' fill-opacity=".6"' : "",
    lines.length > 0 ? ` text-decoration="${lines.join(" ")}"` : "",
  ].join("");
  return cell.inverse
    ? { fill: back ?? COLORS.page, ground: color, marks }
    : { fill: color, ground: back, marks };
}

/** The colours that xterm has for the places of its palette beyond the first sixteen. */
function colorOf(color: string | number): string {
  if (typeof color === "string") return color;
  const named = palette16[color];
  if (named !== undefined) return named;
  const hex = (values: number[]) => `#${values.map((value) => value.toString(16).padStart(2, "0")).join("")}`;
  if (color >= 232) return hex([0, 0, 0].map(() => 8 + (color - 232) * 10));
  const level = (place: number) => (place === 0 ? 0 : 55 + place * 40);
  const cube = color - 16;
  return hex([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map(level));
}

const round = (value: number): number => Number(value.toFixed(1));

const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
