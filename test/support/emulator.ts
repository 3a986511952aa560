import { Terminal } from "@xterm/headless";

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
  cursor(): { row: number; column: number };
  readonly isAlternate: boolean;
  /** All that was written. */
  readonly written: string;
  /** What the terminal answers when it is asked something. */
  onReply(listener: (text: string) => void): void;
  dispose(): void;
};

export function createEmulator(columns: number, rows: number): Emulator {
  const terminal = new Terminal({ cols: columns, rows, scrollback: 100_000, allowProposedApi: true });
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
