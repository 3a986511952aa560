import { NARROW } from "./narrow.ts";

/**
 * Makes text of models, tools and files safe for a terminal, and makes sure that what is shown is what is there: no
 * escape sequences, no control characters but line feed and tab, no characters that reorder or hide text. Works line by
 * line (a sequence ends with its line), so sanitising the lines one by one gives the same result.
 */

/** Most text has only these characters and needs no further check: compiling the other pattern takes a while. */
const harmless = new RegExp(`^[${NARROW}\\n\\t]*$`);
/** Whether `sanitizeText` might change the text. */
const isSuspicious = (text: string): boolean =>
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufff9-\ufffb\p{Surrogate}\p{Default_Ignorable_Code_Point}]|\p{M}{7}/u.test(
    text,
  );

/** CSI, the four string sequences and two-byte escapes, in 7 and 8 bit form; an unterminated one ends with its line. */
const escapeSequence = new RegExp(
  [
    "(?:\\x1b\\[|\\x9b)[\\x30-\\x3f]*[\\x20-\\x2f]*[\\x40-\\x7e]?",
    "(?:\\x1b\\]|\\x9d)[^\\x07\\x1b\\x9c\\n]*(?:\\x07|\\x1b\\\\|\\x9c)?",
    "(?:\\x1b[PX^_]|[\\x90\\x98\\x9e\\x9f])[^\\x1b\\x9c\\n]*(?:\\x1b\\\\|\\x9c)?",
    "\\x1b[\\x20-\\x2f]*[\\x30-\\x7e]?",
  ].join("|"),
  "g",
);
/** Erase to the line's end: progress bars send it after a carriage return. Kept for `overwrite`, as one character. */
const eraseToEnd = /(?:\x1b\[|\x9b)0?K/g;
const eraseLine = /(?:\x1b\[|\x9b)2K/g;
const ERASE_TO_END = "\x0e";
const ERASE_LINE = "\x0f";

const controls = /[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
/** Bidirectional controls, zero-width characters, invisible fillers, and variation selectors but VS15/16. */
const invisible =
  /[[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]--[\u200c\u200d\ufe0e\ufe0f\u{e0000}-\u{e007f}]]/gv;
/** Tag characters make the flags of England, Scotland and Wales; anywhere else they are hidden text. */
const tagRun = /(\u{1f3f4}[\u{e0020}-\u{e007e}]{1,6}\u{e007f})|[\u{e0000}-\u{e007f}]/gu;
/** A zero-width joiner is kept only between emoji, or letters of scripts that need it. */
const strayJoiner =
  /(?<![\ufe0f\p{Extended_Pictographic}\p{Emoji_Modifier}\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff])[\u200c\u200d]|[\u200c\u200d](?![\p{Extended_Pictographic}\u0600-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff])/gu;
const straySelector =
  /(?<![\p{Emoji}\p{Extended_Pictographic}\p{S}\p{P}\p{N}])[\ufe0e\ufe0f]|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]+/gu;
/** No script needs more combining marks on a letter; more would be drawn over the neighbouring rows. */
const markFlood = /(\p{M}{6})\p{M}+/gu;

/** For text of several lines. Idempotent. */
export function sanitizeText(text: string): string {
  if (harmless.test(text) || !isSuspicious(text)) return text;
  const lines = text.split("\n");
  return lines.map(sanitizeOneLine).join("\n");
}

function sanitizeOneLine(raw: string): string {
  if (harmless.test(raw) || !isSuspicious(raw)) return raw;
  let line = raw.replace(/\r+$/, "");
  if (/[\r\b]/.test(line)) line = overwrite(line);
  return line
    .replace(escapeSequence, "")
    .replace(controls, "")
    .replace(/[\u2028\u2029]/g, " ")
    .replace(invisible, "")
    .replace(tagRun, "$1")
    .replace(strayJoiner, "")
    .replace(straySelector, "")
    .replace(markFlood, "$1")
    .toWellFormed();
}

/** The visible result of a line's carriage returns and backspaces, which progress bars use. */
function overwrite(line: string): string {
  const marked = line
    .replace(/[\x0e\x0f]/g, "")
    .replace(eraseToEnd, ERASE_TO_END)
    .replace(eraseLine, ERASE_LINE)
    .replace(escapeSequence, "");
  const cells: string[] = [];
  let at = 0;
  for (const character of marked) {
    if (character === "\r") at = 0;
    else if (character === "\b") at = Math.max(0, at - 1);
    else if (character === ERASE_TO_END) cells.length = Math.min(cells.length, at);
    else if (character === ERASE_LINE) cells.fill(" ");
    else {
      while (cells.length < at) cells.push(" ");
      cells[at] = character;
      at += 1;
    }
  }
  return cells.join("").trimEnd();
}

/** For text that must stay on one line: titles, names, labels. */
export const sanitizeLine = (text: string): string => sanitizeText(text).replace(/\s*\n\s*|\t/g, " ");

const notPlain =
  /[\x00-\x08\x0b-\x1f\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Surrogate}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * For permission questions: nothing is removed, and invisible characters are spelled out (`\x1b`, `\u202e`). Line feeds
 * and tabs stay.
 */
export function spellOut(text: string): string {
  return text.replace(notPlain, (character) => {
    if (character === "\r") return "\\r";
    const code = character.codePointAt(0) ?? 0;
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, "0")}`;
    return code > 0xffff ? `\\u{${code.toString(16)}}` : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
