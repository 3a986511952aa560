/**
 * Characters that a person does not see, or that make a text look like another: control and format characters
 * (bidirectional overrides, zero widths, tags), odd blanks, private use and lone surrogates.
 */
const hidden =
  /[[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Variation_Selector}\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\u115f\u1160\u3164\uffa0\u17b4\u17b5\u2800]--[\n\t]]|\u034f/gv;

const shown = (char: string): string => {
  if (char === "\r") return "\\r";
  if (char === "\u001b") return "\\e";
  return `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`;
};

/** The text with everything invisible written out; lines and tabs stay. */
export const escapeHidden = (text: string): string => text.replace(hidden, shown);

export const hasHidden = (text: string): boolean => escapeHidden(text) !== text;

const latin = /\p{Script=Latin}/u;
const lookAlike =
  /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}\p{Script=Coptic}\p{Script=Lisu}\p{Script=Deseret}\uff01-\uff5e\u{1d400}-\u{1d7ff}]/u;

/** A word of letters that belong to different alphabets, such as a Cyrillic `с` in `curl`. */
export const mixesAlphabets = (text: string): boolean =>
  lookAlike.test(text) &&
  (text.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).some((word) => latin.test(word) && lookAlike.test(word));
