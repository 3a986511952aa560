import xterm from "@xterm/headless";

/** A cell as it is drawn; undefined colours are the terminal's own. */
export type Cell = {
  text: string;
  /** 2 for a wide character; the cell after one is left out. */
  width: number;
  color: string | number | undefined;
  background: string | number | undefined;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
  inverse: boolean;
  strikethrough: boolean;
};

/** A terminal emulator that reads what a program writes, for looking at what a person would see. */
export type Emulator = {
  write(text: string): Promise<void>;
  resize(columns: number, rows: number): void;
  /** Every row from the first in the scrollback to the last that is not blank, without trailing blanks. */
  everything(): string[];
  /** As `everything`, with rows that the terminal has wrapped joined again. */
  logical(): string[];
  /** The rows of the window. */
  window(): string[];
  /** The rows of the window with all that is to be seen: colours are `#rrggbb` or a place in the palette of 256. */
  cells(): Cell[][];
  cursor(): { row: number; column: number };
  readonly isAlternate: boolean;
  /** All that was written. */
  readonly written: string;
  /** What the terminal answers when it is asked something. */
  onReply(listener: (text: string) => void): void;
  dispose(): void;
};

export function createEmulator(columns: number, rows: number): Emulator {
  const terminal = new xterm.Terminal({ cols: columns, rows, scrollback: 100_000, allowProposedApi: true });
  let written = "";
  const textOf = (index: number) =>
    terminal.buffer.active.getLine(index)?.translateToString(true).trimEnd() ?? "";
  return {
    write(text) {
      written += text;
      return new Promise((resolve) => terminal.write(text, resolve));
    },
    resize: (nextColumns, nextRows) => terminal.resize(nextColumns, nextRows),
    everything() {
      const lines = Array.from({ length: terminal.buffer.active.length }, (_, index) => textOf(index));
      while (lines.at(-1) === "") lines.pop();
      return lines;
    },
    logical() {
      const lines: string[] = [];
      for (let index = 0; index < terminal.buffer.active.length; index += 1) {
        const line = terminal.buffer.active.getLine(index);
        const text = line?.translateToString(false) ?? "";
        if (line?.isWrapped && lines.length > 0) lines[lines.length - 1] += text;
        else lines.push(text);
      }
      const trimmed = lines.map((line) => line.trimEnd());
      while (trimmed.at(-1) === "") trimmed.pop();
      return trimmed;
    },
    window() {
      const { viewportY } = terminal.buffer.active;
      return Array.from({ length: terminal.rows }, (_, index) => textOf(viewportY + index));
    },
    cells() {
      const { viewportY } = terminal.buffer.active;
      return Array.from({ length: terminal.rows }, (_, row) => {
        const line = terminal.buffer.active.getLine(viewportY + row);
        return Array.from({ length: terminal.cols }, (_, column) => {
          const cell = line?.getCell(column);
          return cell && cell.getWidth() > 0 ? cellOf(cell) : [];
        }).flat();
      });
    },
    cursor: () => ({ row: terminal.buffer.active.cursorY, column: terminal.buffer.active.cursorX }),
    get isAlternate() {
      return terminal.buffer.active.type === "alternate";
    },
    get written() {
      return written;
    },
    onReply: (listener) => void terminal.onData(listener),
    dispose: () => terminal.dispose(),
  };
}

function cellOf(cell: xterm.IBufferCell): Cell {
  const color = (value: number, isRgb: boolean, isPalette: boolean) =>
    isRgb ? `#${value.toString(16).padStart(6, "0")}` : isPalette ? value : undefined;
  return {
    text: cell.getChars() || " ",
    width: cell.getWidth(),
    color: color(cell.getFgColor(), cell.isFgRGB(), cell.isFgPalette()),
    background: color(cell.getBgColor(), cell.isBgRGB(), cell.isBgPalette()),
    bold: cell.isBold() !== 0,
    dim: cell.isDim() !== 0,
    italic: cell.isItalic() !== 0,
    underline: cell.isUnderline() !== 0,
    inverse: cell.isInverse() !== 0,
    strikethrough: cell.isStrikethrough() !== 0,
  };
}
