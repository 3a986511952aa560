import stringWidth from "string-width";

/**
 * Columns are counted as Ink counts them (string-width 8), with one exception: half a flag, which is what
 * streaming shows between its two code points, counts 2, because terminals differ there and too wide is harmless.
 */
export type Grapheme = { text: string; width: number };

export const TAB_COLUMNS = 4;

const printableAscii = /^[\x20-\x7e]*$/;
/** One column each and never part of a cluster: Latin, Greek, Cyrillic, dashes, quotes, arrows, boxes. */
const simple =
  /^[\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0370-\u0377\u037a-\u037f\u0384-\u0482\u048a-\u052f\u2010-\u2015\u2018-\u201f\u2020-\u2027\u2030-\u205e\u2190-\u21ff\u2500-\u25fc]*$/;
const loneRegionalIndicator = /^[\u{1F1E6}-\u{1F1FF}]$/u;
const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

const widthOfGrapheme = (text: string): number =>
  loneRegionalIndicator.test(text) ? 2 : stringWidth(text, { countAnsiEscapeCodes: true });

/** Of text without escape sequences, tabs or line ends. */
export function widthOf(text: string): number {
  if (simple.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmenter.segment(text)) width += widthOfGrapheme(segment);
  return width;
}

export const isPrintableAscii = (text: string): boolean => printableAscii.test(text);

/** True where every UTF-16 unit is a grapheme of one column. */
export const isSimple = (text: string): boolean => simple.test(text);

/** What a terminal draws as one is at most this wide; "clusters" beyond it are runs of marks or jamo. */
const CLUSTER_WIDTH_MAX = 4;

/** The text's clusters, each of which a terminal draws as one; none may be split. */
export function graphemesOf(text: string): Grapheme[] {
  if (simple.test(text)) return Array.from(text, (character) => ({ text: character, width: 1 }));
  return Array.from(segmenter.segment(text)).flatMap(({ segment }) => {
    const width = widthOfGrapheme(segment);
    if (width <= CLUSTER_WIDTH_MAX) return [{ text: segment, width }];
    return Array.from(segment, (character) => ({ text: character, width: widthOfGrapheme(character) }));
  });
}

/** Replaces tabs by spaces up to the next multiple of four; `column` is where the text starts. */
export function expandTabs(text: string, column = 0): string {
  if (!text.includes("\t")) return text;
  let at = column;
  let expanded = "";
  for (const [index, piece] of text.split("\t").entries()) {
    if (index > 0) {
      const spaces = TAB_COLUMNS - (at % TAB_COLUMNS);
      expanded += " ".repeat(spaces);
      at += spaces;
    }
    expanded += piece;
    at += widthOf(piece);
  }
  return expanded;
}

/** The longest beginning of `text` that fits; never splits a cluster. */
export function sliceStart(text: string, columns: number): string {
  if (simple.test(text)) return text.slice(0, Math.max(0, columns));
  let used = 0;
  let kept = "";
  for (const { segment } of segmenter.segment(text)) {
    used += widthOfGrapheme(segment);
    if (used > columns) break;
    kept += segment;
  }
  return kept;
}

/** The longest end of `text` that fits. */
export function sliceEnd(text: string, columns: number): string {
  if (simple.test(text)) return columns <= 0 ? "" : text.slice(-columns);
  const graphemes = graphemesOf(text);
  let used = 0;
  let start = graphemes.length;
  while (start > 0) {
    used += graphemes[start - 1]?.width ?? 0;
    if (used > columns) break;
    start -= 1;
  }
  return graphemes
    .slice(start)
    .map((grapheme) => grapheme.text)
    .join("");
}

/** Cuts the end off, with `ellipsis` in its place. */
export function truncateEnd(text: string, columns: number, ellipsis = "…"): string {
  if (widthOf(text) <= columns) return text;
  const room = columns - widthOf(ellipsis);
  return room < 0 ? sliceStart(text, columns) : sliceStart(text, room) + ellipsis;
}

/** Cuts the middle out, keeping more of the end: the end of a path says more than its beginning. */
export function truncateMiddle(text: string, columns: number, ellipsis = "…"): string {
  if (widthOf(text) <= columns) return text;
  const room = columns - widthOf(ellipsis);
  if (room < 2) return truncateEnd(text, columns, ellipsis);
  const head = sliceStart(text, Math.floor(room / 3));
  return head + ellipsis + sliceEnd(text, room - widthOf(head));
}
