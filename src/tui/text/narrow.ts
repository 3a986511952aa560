/**
 * A character class, without its brackets, of characters that are one column wide and do not combine with each other:
 * Latin, Greek, Cyrillic, dashes, quotes, arrows, mathematics, boxes, a few dingbats.
 */
export const NARROW =
  "\\x20-\\x7e\\u00a1-\\u00ac\\u00ae-\\u02ff\\u0370-\\u0377\\u037a-\\u037f\\u0384-\\u0482\\u048a-\\u052f" +
  "\\u2010-\\u2015\\u2018-\\u2027\\u2030-\\u205e\\u2190-\\u22ff\\u2500-\\u25fc\\u2713-\\u2717\\u273b";
