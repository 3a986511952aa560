/**
 * What hearth itself says in a conversation has one form, this tag. Everybody else's text (persons, files, tools,
 * models, other agents) is told with the tag's first letter replaced, so that nobody can speak as hearth.
 */
export const hearthNote = (text: string): string => `<hearth>${text}</hearth>`;

/** Letters that nobody sees do not keep a reader from taking a tag for one. */
const unseen = "[\\s\\u00ad\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064\\ufeff]*";
const tagPattern = (names: string): RegExp => new RegExp(`<(?=${unseen}/?${unseen}(?:${names})\\b)`, "gi");
const ownTag = tagPattern("hearth");

/** Somebody else's text, as it may stand in a conversation: well-formed, and without hearth's tag. */
export const foreignText = (text: string): string => text.toWellFormed().replace(ownTag, "‹");

/** The same inside a block of the name `tag`, of which nobody's words may look like the end. */
export const textInside = (tag: string, text: string): string =>
  foreignText(text).replace(tagPattern(tag), "‹");

const escapeOf = (char: string): string =>
  char === "\n" ? "\\n" : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Somebody else's name or value in one line of ours: what would break the line is written as an escape. */
export const inOneLine = (text: string): string =>
  foreignText(text).replace(/[\p{Cc}\u2028\u2029]/gu, escapeOf);
