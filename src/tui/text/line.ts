import type { ThemeToken } from "../theme.ts";
import { expandTabs, graphemesOf, isSimple, sliceStart, widthOf } from "./width.ts";

/** Theme tokens, outermost first, joined by spaces; a later one overrides. */
export type Style = string;
/** Text of one style, without escape sequences and line feeds. */
export type Span = { text: string; style: Style; href?: string | undefined };
/** One row of spans. */
export type Line = readonly Span[];

export const span = (text: string, style: ThemeToken | Style = "text", href?: string): Span =>
  href === undefined ? { text, style } : { text, style, href };

export const addStyle = (style: Style, token: ThemeToken): Style =>
  style === "text" ? token : `${style} ${token}`;

export const lineWidth = (line: Line): number => {
  let width = 0;
  for (const part of line) width += widthOf(part.text);
  return width;
};

export const lineText = (line: Line): string => line.map((part) => part.text).join("");

export const blankLine: Line = [];

/** Puts `first` before the first line and `rest` before the others; an empty line gets no trailing spaces. */
export const prefixLines = (lines: readonly Line[], first: Line, rest: Line): Line[] =>
  lines.map((line, index) => {
    const prefix = index === 0 ? first : rest;
    return line.some((part) => part.text !== "") ? [...prefix, ...line] : withoutBlankEnd(prefix);
  });

function withoutBlankEnd(line: Line): Line {
  const last = line.at(-1);
  if (last === undefined) return blankLine;
  const text = last.text.trimEnd();
  return text === "" ? withoutBlankEnd(line.slice(0, -1)) : [...line.slice(0, -1), { ...last, text }];
}

const startsWithExtender = /^[\p{M}\p{Join_Control}\p{Variation_Selector}\p{Emoji_Modifier}]+/u;

/**
 * Moves combining marks at a span's beginning to the span before, so that no grapheme cluster is split.
 */
function withWholeClusters(spans: Line): Line {
  if (!spans.some((part) => part.text.charCodeAt(0) >= 0x300 && startsWithExtender.test(part.text)))
    return spans;
  const whole: Span[] = [];
  for (const part of spans) {
    const before = whole.at(-1);
    const marks = before === undefined ? undefined : startsWithExtender.exec(part.text)?.[0];
    if (before === undefined || marks === undefined) whole.push(part);
    else {
      whole[whole.length - 1] = { ...before, text: before.text + marks };
      if (marks.length < part.text.length) whole.push({ ...part, text: part.text.slice(marks.length) });
    }
  }
  return whole;
}

/** Splits spans whose text has line feeds into lines of spans. */
export function splitLines(spans: Line): Line[] {
  const lines: Span[][] = [[]];
  for (const part of spans) {
    const pieces = part.text.split("\n");
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) lines.push([]);
      if (piece !== "") lines.at(-1)?.push({ ...part, text: piece });
    }
  }
  return lines;
}

type Atom = { text: string; width: number; style: Style; href?: string | undefined };
/** An unbreakable word, and the spaces before it. */
type Word = { blank: Atom[]; blankWidth: number; atoms: Atom[]; width: number };

/** A line may break between any wide characters, except before or after these. */
const beginsNoLine =
  /^[、。，．・：；？！ー々〜）」』】〕〉》｝\])}’”!?,.:;…ぁぃぅぇぉっゃゅょァィゥェォッャュョ]/u;
const endsNoLine = /[（「『【〔〈《｛([{‘“]$/u;

/**
 * Wraps one line into rows of at most `width` columns: at spaces, between wide characters, and inside a word only if
 * the word is wider than a row. Spaces at a break are dropped; leading spaces stay.
 */
export function wrapLine(line: Line, width: number): Line[] {
  const spans = withoutTabs(withWholeClusters(line));
  if (lineWidth(spans) <= width) return [spans];
  const room = Math.max(2, width);
  const rows: Span[][] = [[]];
  let used = 0;
  const put = (atom: Atom) => {
    append(rows.at(-1) ?? [], atom);
    used += atom.width;
  };
  const breakRow = () => {
    rows.push([]);
    used = 0;
  };
  for (const word of wordsOf(spans)) {
    const isLeading = rows.length === 1 && used === 0;
    if (used + word.blankWidth + word.width <= room) {
      if (used > 0 || isLeading) word.blank.forEach(put);
      word.atoms.forEach(put);
      continue;
    }
    if (used > 0) breakRow();
    // An indent may be wider than the row.
    else if (isLeading && word.blankWidth + word.width <= room) word.blank.forEach(put);
    if (used + word.width <= room) {
      word.atoms.forEach(put);
      continue;
    }
    for (const atom of word.atoms) {
      for (const grapheme of graphemesOf(atom.text)) {
        if (used > 0 && used + grapheme.width > room) breakRow();
        put({ ...atom, text: grapheme.text, width: grapheme.width });
      }
    }
  }
  return rows;
}

function append(row: Span[], atom: Atom): void {
  const last = row.at(-1);
  if (last !== undefined && last.style === atom.style && last.href === atom.href) {
    row[row.length - 1] = { ...last, text: last.text + atom.text };
    return;
  }
  row.push(
    atom.href === undefined
      ? { text: atom.text, style: atom.style }
      : { text: atom.text, style: atom.style, href: atom.href },
  );
}

function wordsOf(spans: Line): Word[] {
  const words: Word[] = [];
  let word: Word = { blank: [], blankWidth: 0, atoms: [], width: 0 };
  const flush = () => {
    if (word.atoms.length > 0 || word.blankWidth > 0) words.push(word);
    word = { blank: [], blankWidth: 0, atoms: [], width: 0 };
  };
  const take = (text: string, width: number, from: Span) => {
    const last = word.atoms.at(-1);
    if (last !== undefined && last.style === from.style && last.href === from.href) {
      last.text += text;
      last.width += width;
    } else word.atoms.push({ text, width, style: from.style, href: from.href });
    word.width += width;
  };
  // Kept in a variable: reading the end of a string that grows character by character copies it each time.
  let lastCluster = "";
  for (const part of spans) {
    for (const piece of part.text.match(/ +|[^ ]+/g) ?? []) {
      if (piece.startsWith(" ")) {
        if (word.atoms.length > 0) flush();
        word.blank.push({ text: piece, width: piece.length, style: part.style, href: part.href });
        word.blankWidth += piece.length;
      } else if (isSimple(piece)) {
        if (word.atoms.length > 0 && mayBreakBetween(lastCluster, piece)) flush();
        take(piece, piece.length, part);
        lastCluster = piece.slice(-1);
      } else {
        for (const grapheme of graphemesOf(piece)) {
          if (word.atoms.length > 0 && mayBreakBetween(lastCluster, grapheme.text)) flush();
          take(grapheme.text, grapheme.width, part);
          lastCluster = grapheme.text;
        }
      }
    }
  }
  flush();
  return words;
}

const wide = /^[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef\u{20000}-\u{3ffff}]/u;

const mayBreakBetween = (before: string, after: string): boolean =>
  (wide.test(after) || wide.test(before)) && !beginsNoLine.test(after) && !endsNoLine.test(before);

/** Wraps text whose spaces matter (code, output): only at the width. Expands tabs. */
export function wrapVerbatim(line: Line, width: number): Line[] {
  const expanded = withoutTabs(withWholeClusters(line));
  if (lineWidth(expanded) <= width) return [expanded];
  const room = Math.max(2, width);
  const rows: Span[][] = [[]];
  let used = 0;
  for (const part of expanded) {
    const put = (text: string, columns: number) => {
      if (text !== "") rows.at(-1)?.push({ ...part, text });
      used += columns;
    };
    if (isSimple(part.text)) {
      for (let at = 0; at < part.text.length; ) {
        if (used >= room) {
          rows.push([]);
          used = 0;
        }
        const piece = part.text.slice(at, at + room - used);
        put(piece, piece.length);
        at += piece.length;
      }
      continue;
    }
    let piece = "";
    let columns = 0;
    for (const grapheme of graphemesOf(part.text)) {
      if (used + columns > 0 && used + columns + grapheme.width > room) {
        put(piece, columns);
        rows.push([]);
        used = 0;
        piece = "";
        columns = 0;
      }
      piece += grapheme.text;
      columns += grapheme.width;
    }
    put(piece, columns);
  }
  return rows;
}

function withoutTabs(spans: Line): Line {
  if (!spans.some((part) => part.text.includes("\t"))) return spans;
  let column = 0;
  return spans.map((part) => {
    const text = expandTabs(part.text, column);
    column += widthOf(text);
    return { ...part, text };
  });
}

/** Cuts a line to `width` columns, with `ellipsis` if something was cut off. */
export function truncateLine(line: Line, width: number, ellipsis = "…"): Line {
  if (lineWidth(line) <= width) return line;
  const room = Math.max(0, width - widthOf(ellipsis));
  const kept: Span[] = [];
  let used = 0;
  for (const part of line) {
    const text = sliceStart(part.text, room - used);
    used += widthOf(text);
    if (text !== "") kept.push({ ...part, text });
    if (text.length < part.text.length) break;
  }
  if (widthOf(ellipsis) <= width) kept.push(span(ellipsis, "muted"));
  return kept;
}
