/** A line of so many words takes some ten milliseconds to read; nobody else is served meanwhile. */
const WORDS_MAX = 5_000;
const hereDocument = /<<-?[ \t]*(["']?)([\w-]+)\1[^\n]*\n[\s\S]*?\n[ \t]*\2(?=\n|$)/g;

/**
 * Whether a line is made of more words, operators and substitutions than are judged. What is long because one word
 * is (a quoted program, a here-document) is not meant: that costs little.
 */
export function hasTooManyWords(source: string): boolean {
  if (source.length <= WORDS_MAX) return false;
  const text = source.replace(hereDocument, "\n");
  let words = 0;
  let quote = "";
  let isWord = false;
  for (let at = 0; at < text.length && words <= WORDS_MAX; at++) {
    const char = text[at] ?? "";
    if (quote === "'") {
      if (char === "'") quote = "";
    } else if (char === "\\") at++;
    else if (char === "$" || char === "`") words++;
    else if (quote === '"') {
      if (char === '"') quote = "";
    } else if (char === "'" || char === '"') {
      quote = char;
      words++;
    } else if (/[\s;|&<>(){}]/.test(char)) {
      if (isWord || !/\s/.test(char)) words++;
      isWord = false;
    } else isWord = true;
  }
  return words > WORDS_MAX;
}
