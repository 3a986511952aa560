import stringWidth from "string-width";
import { NARROW } from "./narrow.ts";

/**
 * Columns are counted as the terminals do that count the most. Many (tmux, VTE, xterm.js, screen) count single
 * characters and give Thai sara am, an Indic conjunct or a skin tone its own columns, while others draw one cluster. A
 * cluster counted too wide leaves a gap; one counted too narrow makes the row wrap, and all rows below are misplaced.
 */
export type Grapheme = { text: string; width: number };

const TAB_COLUMNS = 4;

/** The same for two columns: ideographs, kana, Hangul syllables, full-width forms, ideographic punctuation. */
const WIDE =
  "\\u3000-\\u3029\\u3030-\\u303e\\u3041-\\u3096\\u309b-\\u30ff\\u3105-\\u312f\\u3131-\\u3163\\u3165-\\u318e" +
  "\\u3400-\\u4dbf\\u4e00-\\u9fff\\uac00-\\ud7a3\\uff01-\\uff60";
const simple = new RegExp(`^[${NARROW}]*$`);
const runs = new RegExp(`([${NARROW}]+)|([${WIDE}]+)|[^${NARROW}${WIDE}]+`, "g");
const loneRegionalIndicator = /^[\u{1F1E6}-\u{1F1FF}]$/u;
const segmenter = new Intl.Segmenter("en", { granularity: "grapheme" });

const isOneCharacter = /^.$/su;
/** Every terminal draws these as one cluster: the letters of a Hangul syllable, and flags. */
const isOneEverywhere = /^(?:\p{RI}{2}|[\u1100-\u11ff\ua960-\ua97f\ud7b0-\ud7ff]+)$/u;
const ofString = (text: string): number => stringWidth(text, { countAnsiEscapeCodes: true });

/** Only emoji of several people, drawn side by side by some terminals, would be wider. */
const CLUSTER_WIDTH_MAX = 4;

function widthOfCluster(text: string): number {
  if (loneRegionalIndicator.test(text)) return 2;
  const whole = ofString(text);
  if (isOneCharacter.test(text) || isOneEverywhere.test(text)) return whole;
  let single = 0;
  for (const character of text) single += ofString(character);
  const width = Math.max(whole, single);
  return /\p{Extended_Pictographic}/u.test(text) ? Math.min(width, CLUSTER_WIDTH_MAX) : width;
}

/** Whether terminals differ in the cluster's width. */
export const isUncertain = (cluster: string): boolean =>
  /\p{Extended_Pictographic}|\p{RI}/u.test(cluster) ||
  (!isOneCharacter.test(cluster) && !/^.\p{Mn}+$/su.test(cluster)) ||
  /[\ufe0e\ufe0f]/.test(cluster);

/**
 * Walks through a text in runs of characters that need no segmenter (which is a hundred times slower) and in single
 * clusters. The characters at a run's ends are segmented with their neighbours: they may form a cluster.
 */
function walk(
  text: string,
  onRun: (run: string, width: 1 | 2) => void,
  onCluster: (cluster: string) => void,
): void {
  let mixed = "";
  let run = "";
  let width: 1 | 2 = 1;
  const endRun = (end: number) => {
    if (end > 0) onRun(run.slice(0, end), width);
  };
  const endMixed = () => {
    for (const { segment } of segmenter.segment(mixed)) onCluster(segment);
    mixed = "";
  };
  for (const [piece, narrow, wide] of text.matchAll(runs)) {
    if (narrow === undefined && wide === undefined) {
      endRun(run.length - 1);
      mixed += run.slice(-1) + piece;
      run = "";
      continue;
    }
    if (mixed === "") {
      endRun(run.length);
      run = piece;
    } else {
      mixed += piece.charAt(0);
      run = piece.slice(1);
      // The run's only character may combine with the next one.
      if (run !== "") endMixed();
    }
    width = narrow === undefined ? 2 : 1;
  }
  endMixed();
  endRun(run.length);
}

/** The width of text without escape sequences, tabs and line feeds. */
export function widthOf(text: string): number {
  if (simple.test(text)) return text.length;
  let width = 0;
  walk(
    text,
    (run, each) => {
      width += run.length * each;
    },
    (cluster) => {
      width += widthOfCluster(cluster);
    },
  );
  return width;
}

/** True where every UTF-16 unit is a cluster of one column. */
export const isSimple = (text: string): boolean => simple.test(text);

/**
 * Splits text into grapheme clusters, which must not be broken. A cluster wider than any emoji is a run of marks, jamo
 * or conjuncts: it is split into its characters.
 */
export function graphemesOf(text: string): Grapheme[] {
  const graphemes: Grapheme[] = [];
  walk(
    text,
    (run, width) => {
      for (const character of run) graphemes.push({ text: character, width });
    },
    (cluster) => {
      const width = widthOfCluster(cluster);
      if (width <= CLUSTER_WIDTH_MAX) graphemes.push({ text: cluster, width });
      else
        for (const character of cluster)
          graphemes.push({ text: character, width: widthOfCluster(character) });
    },
  );
  return graphemes;
}

/** Replaces tabs by spaces up to the next multiple of four; the text starts at `column`. */
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
  let end = 0;
  for (const grapheme of graphemesOf(text)) {
    used += grapheme.width;
    if (used > columns) break;
    end += grapheme.text.length;
  }
  return text.slice(0, end);
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

/** Cuts the end off and puts `ellipsis` in its place. */
export function truncateEnd(text: string, columns: number, ellipsis = "…"): string {
  if (widthOf(text) <= columns) return text;
  const room = columns - widthOf(ellipsis);
  return room < 0 ? sliceStart(text, columns) : sliceStart(text, room) + ellipsis;
}

/** Cuts the middle out and keeps more of the end, the important part of a path. */
export function truncateMiddle(text: string, columns: number, ellipsis = "…"): string {
  if (widthOf(text) <= columns) return text;
  const room = columns - widthOf(ellipsis);
  if (room < 2) return truncateEnd(text, columns, ellipsis);
  const head = sliceStart(text, Math.floor(room / 3));
  return head + ellipsis + sliceEnd(text, room - widthOf(head));
}
