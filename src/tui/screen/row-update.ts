import { graphemesOf, isSimple, isUncertain } from "../text/width.ts";

const SGR = /\x1b\[([0-9;:]*)m/y;
/** Characters of one column in every terminal, and our own glyphs, which the layout counts as one column. */
const certain = /^[\x20-\x7e\u00b7\u2026\u203a\u2500-\u257f\u25cf\u2713\u2717]$/;

/**
 * The bytes that turn a row showing `before` into `after`, with the cursor on that row (column unknown). The common
 * start of both is not sent again, up to the first character of uncertain width. A row starts and ends unstyled.
 */
export function rowUpdate(before: string, after: string): string {
  if (before === after) return "";
  const { index, column, style } = commonStart(before, after);
  const rest = after.slice(index);
  // Erase before writing: after a full row the cursor is still in the last column, and erasing there would remove the
  // last character.
  const erase = before.length > index ? "\x1b[K" : "";
  const move = column === 0 ? "\r" : `\x1b[${column + 1}G`;
  return `${move}${erase}${style}${inPlace(rest, column)}`;
}

/** The bytes that replace whatever is in the row. */
export const wholeRow = (row: string): string => `\r\x1b[K${inPlace(row, 0)}`;

const sequences = /(\x1b(?:\[[0-9;:]*m|\][^\x07\x1b]*(?:\x07|\x1b\\)))/;
const WRAP_OFF = "\x1b[?7l";
const WRAP_ON = "\x1b[?7h";

/**
 * Text from a column on, at the same columns in every terminal: after a cluster of uncertain width the column is set
 * explicitly, and wrapping is off in case the cluster is wider than counted.
 */
function inPlace(text: string, column: number): string {
  const parts = text.split(sequences);
  if (!parts.some((part, index) => index % 2 === 0 && !isSimple(part) && hasUncertain(part))) return text;
  let at = column;
  let out = "";
  for (const [index, part] of parts.entries()) {
    if (index % 2 === 1) out += part;
    else if (isSimple(part)) {
      out += part;
      at += part.length;
    } else {
      for (const { text: cluster, width } of graphemesOf(part)) {
        out += cluster;
        at += width;
        if (isUncertain(cluster)) out += `\x1b[${at + 1}G`;
      }
    }
  }
  return `${WRAP_OFF}${out}${WRAP_ON}`;
}

const hasUncertain = (text: string): boolean =>
  graphemesOf(text).some(({ text: cluster }) => isUncertain(cluster));

type Start = { index: number; column: number; style: string };

/** The length of the common start of both rows, without splitting an escape sequence or a character. */
function commonStart(before: string, after: string): Start {
  let index = 0;
  let column = 0;
  let styles: readonly Started[] = [];
  const end = Math.min(before.length, after.length);
  while (index < end) {
    const char = after[index] ?? "";
    if (char === "\x1b") {
      SGR.lastIndex = index;
      const match = SGR.exec(after);
      if (match === null || !before.startsWith(match[0], index)) break;
      styles = withSequence(styles, match[0], Number.parseInt(match[1] ?? "", 10));
      index += match[0].length;
      continue;
    }
    if (before[index] !== char || !certain.test(char)) break;
    index += 1;
    column += 1;
  }
  // A combining mark belongs to the character before it.
  while (index > 0 && (isJoining(after, index) || isJoining(before, index))) {
    if (after[index - 1] === "m" || column === 0) return { index: 0, column: 0, style: "" };
    index -= 1;
    column -= 1;
  }
  return { index, column, style: styles.map(({ sequence }) => sequence).join("") };
}

/** A style that is on, and the SGR parameter that ends it. */
type Started = { sequence: string; end: number };

/** The styles that are on after one more sequence. Knows only the sequences that our painter makes. */
function withSequence(styles: readonly Started[], sequence: string, code: number): readonly Started[] {
  if (ends.has(code)) return styles.filter(({ end }) => end !== code);
  const end = endOf(code);
  // A colour replaces the one before it. Bold and dim share their end parameter but can be on together.
  const others = end === INTENSITY_END ? styles : styles.filter((style) => style.end !== end);
  return [...others, { sequence, end }];
}

const INTENSITY_END = 22;
const FOREGROUND_END = 39;
const BACKGROUND_END = 49;
const ends: ReadonlySet<number> = new Set([INTENSITY_END, 23, 24, 27, 29, FOREGROUND_END, BACKGROUND_END]);

function endOf(code: number): number {
  if (code <= 2) return INTENSITY_END;
  if (code < 10) return code + 20;
  return (code >= 30 && code < 40) || (code >= 90 && code < 100) ? FOREGROUND_END : BACKGROUND_END;
}

const isJoining = (text: string, index: number) =>
  /^(?:\p{M}|\u200d|\ufe0e|\ufe0f)/u.test(text.slice(index, index + 2));
