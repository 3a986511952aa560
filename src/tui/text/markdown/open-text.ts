// Long because it is one state machine: the kinds of Markdown block, and how each begins, goes on and ends.

import { sanitizeText } from "../sanitize.ts";
import { languageOf } from "./code.ts";

/** A top-level block of Markdown, as source. */
export type Piece =
  | {
      type: "text";
      text: string;
      /** Has no blank line before it. */
      isTight: boolean;
      /** The number of an ordered list's item: a list is cut into its items. */
      listNumber?: number | undefined;
    }
  | {
      type: "code";
      language: string;
      /** Some of the fence's lines, without a final line feed. */
      code: string;
      /** Earlier lines of the same fence (bounded), as context for the highlighter. */
      before: string;
      opensFence: boolean;
    };

/** A long fence is cut into pieces of this many lines, the rows that the live region shows of an open block. */
export const CODE_PIECE_LINES = 8;
/** The earlier lines that the highlighter gets as context. */
const CODE_BEFORE_LINES = 40;
const CODE_BEFORE_CHARACTERS = 4000;
/** A longer table is cut, and its header repeated: a table is held until it ends, since its columns may widen. */
const TABLE_PIECE_ROWS = 40;
/** A longer block is cut at a line's end, so that the open end stays cheap to lex. */
const HELD_CHARACTERS_MAX = 8000;
/** Only this much of a longer open end is laid out. */
const OPEN_CHARACTERS_MAX = 4000;

const blank = /^[ \t]*$/;
const fenceOpening = /^( {0,3})(`{3,}(?!.*`)|~{3,})(.*)$/;
const nestedFence = /^\s*(`{3,}(?!.*`)|~{3,})/;
const heading = /^ {0,3}#{1,6}(?:[ \t]|$)/;
const rule = /^ {0,3}([-*_])(?:[ \t]*\1){2,}[ \t]*$/;
const setextUnderline = /^ {0,3}(?:=+|-+)[ \t]*$/;
const quote = /^ {0,3}>/;
const item = /^( {0,3})([-*+]|(\d{1,9})[.)])(?:([ \t]+)(\S.*)?|$)/;
const tableRule = /^ {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$/;
/** Text that may become a marker is not shown until that is decided. */
const undecided = /^\s*(?:#{1,6}|[-*+_=>|]+|`{1,2}|~{1,2}|`{3,}[\w+#-]*|~{3,}[\w+#-]*)$/;

type Fence = { mark: string; size: number };
type State =
  | { kind: "none" }
  | { kind: "paragraph" | "quote" | "indented" }
  | { kind: "table"; isContinued: boolean }
  | { kind: "item"; indent: number; pad: number; fence: Fence | undefined; number: number | undefined }
  | { kind: "fence"; fence: Fence; indent: number; language: string; before: string[]; isOpened: boolean };

export type TextStream = {
  /** Takes the next text and returns the blocks that it completes. */
  push(delta: string): Piece[];
  /** The text is complete: returns the last blocks. */
  end(): Piece[];
  /** The incomplete block, as far as it can be shown; only the end of a very long one. */
  open(): Piece | undefined;
};

/**
 * Splits streamed Markdown into blocks as soon as each is complete. The splits depend on the text only, never on its
 * deltas, so a replay of the whole text gives the same blocks. Sanitises the text.
 */
export function createTextStream(): TextStream {
  let rest = "";
  let state: State = { kind: "none" };
  let held: string[] = [];
  let heldCharacters = 0;
  let closed: Piece[] = [];
  let hasBlankBefore = true;
  /** The list that a next item would continue. */
  let list: { mark: string; number: number } | undefined;

  const hold = (line: string) => {
    held.push(line);
    heldCharacters += line.length + 1;
  };

  const emitText = (lines: readonly string[], listNumber?: number) => {
    closed.push({
      type: "text",
      text: lines.join("\n"),
      isTight: !hasBlankBefore,
      ...(listNumber === undefined ? {} : { listNumber }),
    });
    hasBlankBefore = false;
  };

  const emitCode = () => {
    if (state.kind !== "fence" || held.length === 0) return;
    closed.push(codePiece(state, held.join("\n")));
    state.before.push(...held.splice(0));
    state.before.splice(0, state.before.length - CODE_BEFORE_LINES);
    state.isOpened = true;
    heldCharacters = 0;
  };

  /** Ends the open block. */
  const close = () => {
    if (state.kind === "fence") {
      emitCode();
      hasBlankBefore = true;
    } else if (held.length > 0) {
      const isCut = state.kind === "table" && state.isContinued && held.length <= 2;
      let end = held.length;
      while (end > 0 && blank.test(held[end - 1] ?? "")) end -= 1;
      if (!isCut && end > 0) emitText(held.slice(0, end), state.kind === "item" ? state.number : undefined);
      if (end < held.length) hasBlankBefore = true;
      if (state.kind === "table") hasBlankBefore = true;
    }
    if (state.kind !== "item") list = undefined;
    state = { kind: "none" };
    held = [];
    heldCharacters = 0;
  };

  const begin = (line: string) => {
    const fence = fenceOpening.exec(line);
    if (fence !== null) {
      const [, indent = "", mark = "", info = ""] = fence;
      list = undefined;
      state = {
        kind: "fence",
        fence: { mark: mark.charAt(0), size: mark.length },
        indent: indent.length,
        language: languageOf(info),
        before: [],
        isOpened: false,
      };
      return;
    }
    if (heading.test(line) || rule.test(line)) {
      hasBlankBefore ||= heading.test(line);
      list = undefined;
      emitText([line]);
      return;
    }
    const marker = item.exec(line);
    if (marker !== null) {
      beginItem(line, marker);
      return;
    }
    list = undefined;
    if (quote.test(line)) state = { kind: "quote" };
    else state = { kind: indentOf(line) >= 4 ? "indented" : "paragraph" };
    hold(line);
  };

  const beginItem = (line: string, marker: RegExpExecArray) => {
    const [, indent = "", mark = "", digits, space = " ", content] = marker;
    const kind = mark.slice(-1);
    const number = digits === undefined ? undefined : list?.mark === kind ? list.number + 1 : Number(digits);
    list = { mark: kind, number: number ?? 0 };
    // If an item is empty or begins with indented code, its content starts one column after the marker.
    const gap = content === undefined || space.length > 4 ? 1 : space.length;
    const fence = content === undefined ? undefined : nestedFenceOf(content);
    state = { kind: "item", indent: indent.length + mark.length + gap, pad: 0, fence, number };
    hold(line);
  };

  const takeItemLine = (line: string, open: Extract<State, { kind: "item" }>) => {
    if (blank.test(line)) {
      hold("");
      return;
    }
    const indent = indentOf(line);
    if (indent + open.pad >= open.indent || mayBeNested(line, indent, open)) {
      if (indent < open.indent && open.pad === 0) open.pad = open.indent - indent;
      hold(indent > 0 && open.pad > 0 ? " ".repeat(open.pad) + line : line);
      if (open.fence === undefined) open.fence = nestedFenceOf(line);
      else if (closesFence(line.trim(), open.fence)) open.fence = undefined;
      return;
    }
    const isAfterBlank = held.at(-1) === "";
    if (item.test(line) || isAfterBlank || open.fence !== undefined || interrupts(line)) {
      close();
      begin(line);
    } else hold(line);
  };

  const takeFenceLine = (line: string, open: Extract<State, { kind: "fence" }>) => {
    if (indentOf(line) <= 3 && closesFence(line.trim(), open.fence)) {
      close();
      return;
    }
    hold(line.slice(Math.min(open.indent, /^ */.exec(line)?.[0].length ?? 0)));
    if (held.length >= CODE_PIECE_LINES) emitCode();
  };

  const takeParagraphLine = (line: string) => {
    const header = held.at(-1) ?? "";
    if (tableRule.test(line) && header.includes("|") && cellCount(header) === cellCount(line)) {
      held.pop();
      if (held.length > 0) close();
      hasBlankBefore = true;
      state = { kind: "table", isContinued: false };
      held = [header];
      hold(line);
    } else if (setextUnderline.test(line)) {
      hold(line);
      close();
    } else if (interrupts(line)) {
      close();
      begin(line);
    } else hold(line);
  };

  const takeTableLine = (line: string, open: Extract<State, { kind: "table" }>) => {
    if (interrupts(line)) {
      close();
      begin(line);
      return;
    }
    hold(line);
    if (held.length < TABLE_PIECE_ROWS + 2) return;
    emitText(held);
    hasBlankBefore = true;
    open.isContinued = true;
    held.splice(2);
  };

  const takeLine = (line: string) => {
    switch (state.kind) {
      case "fence":
        return takeFenceLine(line, state);
      case "item":
        takeItemLine(line, state);
        break;
      case "none":
        if (blank.test(line)) hasBlankBefore = true;
        else begin(line);
        break;
      case "indented":
        if (blank.test(line) || indentOf(line) >= 4) hold(line);
        else {
          close();
          begin(line);
        }
        break;
      default:
        if (blank.test(line)) {
          close();
          hasBlankBefore = true;
        } else if (state.kind === "paragraph") takeParagraphLine(line);
        else if (state.kind === "table") takeTableLine(line, state);
        else if (!quote.test(line) && interrupts(line)) {
          close();
          begin(line);
        } else hold(line);
    }
    if (heldCharacters > HELD_CHARACTERS_MAX && state.kind !== "table") close();
  };

  const taken = (): Piece[] => {
    const pieces = closed;
    closed = [];
    return pieces;
  };

  return {
    push(delta) {
      const end = delta.lastIndexOf("\n");
      if (end === -1) {
        rest += delta;
        return [];
      }
      const lines = (rest + delta.slice(0, end)).split("\n");
      rest = delta.slice(end + 1);
      for (const line of lines) takeLine(sanitizeText(line));
      return taken();
    },
    end() {
      const line = sanitizeText(rest);
      rest = "";
      if (line !== "") takeLine(line);
      close();
      return taken();
    },
    open() {
      const line = sanitizeText(withoutHalfCharacter(rest.slice(-OPEN_CHARACTERS_MAX)));
      if (state.kind === "fence") {
        const isClosing =
          line !== "" && closesFence(line.trim().padEnd(state.fence.size, state.fence.mark), state.fence);
        const lines = line === "" || isClosing ? held : [...held, line];
        return lines.length === 0 ? undefined : codePiece(state, lines.join("\n"));
      }
      const text = [...held, ...(undecided.test(line.trimEnd()) ? [] : [line])].join("\n").trimEnd();
      if (text.trim() === "") return undefined;
      const number = state.kind === "item" ? state.number : undefined;
      return {
        type: "text",
        text: lastOf(text, OPEN_CHARACTERS_MAX),
        isTight: !hasBlankBefore,
        ...(number === undefined ? {} : { listNumber: number }),
      };
    },
  };
}

/** The pieces of a whole text. */
export function splitText(text: string): Piece[] {
  const stream = createTextStream();
  return [...stream.push(text), ...stream.end()];
}

function codePiece(state: Extract<State, { kind: "fence" }>, code: string): Piece {
  return {
    type: "code",
    language: state.language,
    code,
    before: lastOf(state.before.join("\n"), CODE_BEFORE_CHARACTERS),
    opensFence: !state.isOpened,
  };
}

/** Whether a line ends a paragraph because it begins another block. */
function interrupts(line: string): boolean {
  if (fenceOpening.test(line) || heading.test(line) || rule.test(line) || quote.test(line)) return true;
  const marker = item.exec(line);
  return marker !== null && marker[5] !== undefined && (marker[3] === undefined || marker[3] === "1");
}

/** Bullets under a number are often indented by two columns instead of the required three, but are meant to nest. */
const mayBeNested = (line: string, indent: number, open: Extract<State, { kind: "item" }>): boolean =>
  indent >= 2 &&
  open.number !== undefined &&
  open.fence === undefined &&
  item.exec(line)?.[3] === undefined &&
  item.test(line);

function nestedFenceOf(line: string): Fence | undefined {
  const mark = nestedFence.exec(line)?.[1];
  return mark === undefined ? undefined : { mark: mark.charAt(0), size: mark.length };
}

const closesFence = (trimmed: string, { mark, size }: Fence): boolean =>
  trimmed.length >= size && trimmed === mark.repeat(trimmed.length);

function indentOf(line: string): number {
  let columns = 0;
  for (const character of line) {
    if (character === " ") columns += 1;
    else if (character === "\t") columns += 4 - (columns % 4);
    else break;
  }
  return columns;
}

const cellCount = (row: string): number =>
  row
    .replace(/\\\|/g, "")
    .trim()
    .replace(/^\||\|$/g, "")
    .split("|").length;

const withoutHalfCharacter = (text: string): string => text.replace(/[\ud800-\udbff]$/, "");

/** The end of a long text, from the start of a line or a word. */
function lastOf(text: string, charactersMax: number): string {
  if (text.length <= charactersMax) return text;
  const end = text.slice(-charactersMax);
  const start = end.search(/[\n ]/);
  return withoutLeadingHalf(start === -1 ? end : end.slice(start + 1));
}

const withoutLeadingHalf = (text: string): string => text.replace(/^[\udc00-\udfff]/, "");
