/** One changed place of a file: its lines before and after, with what stands around them. */
export type DiffPiece = {
  path: string;
  oldText: string;
  newText: string;
  /** The first line, counted from 1, in the new file. */
  line: number;
  /** As it stands in the unified diff, header included. */
  unified: string;
  /** The hunk adds lines to nothing: the file was empty, or is new. */
  isFromNothing: boolean;
};

/** `isCut`: the diff was shortened, so what it says is true and not all. */
export type DiffPieces = { pieces: DiffPiece[]; isCut: boolean };

const HEADER = /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/;
const NO_NEWLINE = /^\\ No newline at end of file/;
const CUT = /^\\ \d+ more lines$/;

type Hunk = {
  path: string;
  header: RegExpExecArray;
  rows: string[];
  /** How many lines of each side are still to come. */
  oldLeft: number;
  newLeft: number;
  isCut: boolean;
};

/**
 * The places of a unified diff without file headers. In one of several files, the first hunk of each begins with a line
 * `\ PATH`. Of a hunk that was cut, what stands before its last line without a change is shown: beyond that, lines would
 * look removed whose new text is only not there any more.
 */
export function diffPieces(path: string, unified: string): DiffPieces {
  const pieces: DiffPiece[] = [];
  let file = path;
  let isCut = false;
  let hunk: Hunk | undefined;
  const end = () => {
    if (hunk === undefined) return;
    const { rows, oldLeft, newLeft } = hunk;
    // Blank lines at the end of a diff may have been trimmed: then as many are missing on both sides.
    hunk.isCut ||= oldLeft !== newLeft;
    isCut ||= hunk.isCut;
    const shown = hunk.isCut ? balancedRows(rows) : rows;
    if (shown.some(isChange)) pieces.push(pieceOf(hunk, shown));
    hunk = undefined;
  };
  const rows = unified.split("\n");
  for (const [at, row] of rows.entries()) {
    const header = HEADER.exec(row);
    const isMore = hunk !== undefined && (hunk.oldLeft > 0 || hunk.newLeft > 0);
    if (header !== null) {
      end();
      const [, , oldCount = "1", , newCount = "1"] = header;
      const left = { oldLeft: Number(oldCount), newLeft: Number(newCount) };
      hunk = { path: file, header, rows: [], ...left, isCut: false };
    } else if (NO_NEWLINE.test(row)) hunk?.rows.push(row);
    else if (CUT.test(row) && !/^[ +-]/.test(rows[at + 1] ?? "")) {
      isCut = true;
      if (hunk !== undefined && isMore) hunk.isCut = true;
    } else if (row.startsWith("\\ ")) {
      file = row.slice(2);
      if (hunk?.rows.length === 0) hunk.path = file;
    } else if (hunk !== undefined && isMore) take(hunk, row);
  }
  end();
  return { pieces, isCut };
}

function take(hunk: Hunk, row: string): void {
  hunk.rows.push(row);
  if (!row.startsWith("+")) hunk.oldLeft -= 1;
  if (!row.startsWith("-")) hunk.newLeft -= 1;
}

const isChange = (row: string): boolean => row.startsWith("+") || row.startsWith("-");

/** Up to the last line that both sides have. */
const balancedRows = (rows: readonly string[]): string[] =>
  rows.slice(0, rows.findLastIndex((row) => row.startsWith(" ")) + 1);

function pieceOf({ path, header, isCut }: Hunk, rows: readonly string[]): DiffPiece {
  const [whole, oldStart = "0", oldCount = "1", newStart = "0"] = header;
  const count = (other: string) =>
    rows.filter((row) => !row.startsWith(other) && !row.startsWith("\\")).length;
  const head = isCut ? `@@ -${oldStart},${count("+")} +${newStart},${count("-")} @@` : whole;
  return {
    path,
    oldText: textOf(rows, "+"),
    newText: textOf(rows, "-"),
    line: Math.max(1, Number(newStart)),
    unified: [head, ...rows].join("\n"),
    isFromNothing: oldStart === "0" && oldCount === "0",
  };
}

/** The lines that do not carry the other side's mark. A file's last line may have no newline. */
function textOf(rows: readonly string[], other: string): string {
  let text = "";
  for (const [at, row] of rows.entries()) {
    if (row.startsWith(other) || row.startsWith("\\")) continue;
    text += row.slice(1);
    if (!rows[at + 1]?.startsWith("\\")) text += "\n";
  }
  return text;
}
