import { withoutEscapes } from "./printable.ts";

/** A duration in its two largest units: `3 s`, `2 min`, `5 h 12 min`, `3 d 4 h`. */
export function formatElapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

/** Aligns rows in columns; the last column is not padded. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => row.map(onOneLine));
  const widths =
    cells[0]?.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0))) ?? [];
  const lines = cells.map((row) =>
    row
      .map((cell, column) => (column === row.length - 1 ? cell : cell.padEnd(widths[column] ?? 0)))
      .join("  "),
  );
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** For titles, names and errors, which may contain line breaks that would break the table. */
const onOneLine = (text: string): string => withoutEscapes(text).replaceAll(/\s*\n\s*|\t/g, " ");

/** Long enough to be unique among thousands of ids. */
export const shortId = (id: string): string => id.slice(0, 12);

/** A session's title on one line. */
export const shownTitle = (title: string): string =>
  withoutEscapes(title).replaceAll(/\s+/g, " ").trim() || "(no title)";
