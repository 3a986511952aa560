import type { TextRun } from "./emulator.ts";

const CELL = { width: 8.4, height: 18, font: 14 };
const MARGIN = 14;
const colors = { ground: "#16181d", text: "#d7dae0" };

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");

/** A window of a terminal as an SVG picture: text stays text, each run at its own column. */
export function pictureOf(rows: readonly (readonly TextRun[])[], columns: number): string {
  const shown = rows.slice(0, rows.findLastIndex((runs) => runs.some(({ text }) => text.trim() !== "")) + 1);
  const width = Math.round(columns * CELL.width + 2 * MARGIN);
  const height = shown.length * CELL.height + 2 * MARGIN;
  const body = shown.flatMap((runs, row) => runs.flatMap((run) => drawn(run, row)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="${CELL.font}">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${colors.ground}"/>`,
    ...body,
    "</svg>",
    "",
  ].join("\n");
}

function drawn(run: TextRun, row: number): string[] {
  const text = run.text.trimEnd();
  const x = (MARGIN + run.column * CELL.width).toFixed(1);
  const top = MARGIN + row * CELL.height;
  const ground =
    run.background === undefined
      ? []
      : [
          `<rect x="${x}" y="${top}" width="${(run.text.length * CELL.width).toFixed(1)}" height="${CELL.height}" fill="${run.background}"/>`,
        ];
  if (text === "") return ground;
  const lead = text.length - text.trimStart().length;
  const at = (MARGIN + (run.column + lead) * CELL.width).toFixed(1);
  const length = ((text.length - lead) * CELL.width).toFixed(1);
  const looks = [
    `fill="${run.color ?? colors.text}"`,
    ...(run.isBold ? ['font-weight="bold"'] : []),
    ...(run.isItalic ? ['font-style="italic"'] : []),
    ...(run.isDim ? ['opacity="0.7"'] : []),
  ].join(" ");
  const base = (top + CELL.height * 0.75).toFixed(1);
  return [
    ...ground,
    `<text x="${at}" y="${base}" textLength="${length}" xml:space="preserve" ${looks}>${escaped(text.trimStart())}</text>`,
  ];
}
