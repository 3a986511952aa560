/** Reading so many words takes about ten milliseconds, and the daemon does nothing else meanwhile. */
const WORDS_MAX = 5_000;
/** The characters of words. Each other character counts as a word of its own. */
const ofWords = /[\w./=,:@%~-]/;
/** Substitutions, groups and lists within each other. */
const DEPTH_MAX = 50;
const hereDocument = /<<-?[ \t]*(["'\\]?)([\w-]+)/g;

/**
 * Why a line is not judged: it has too many words, operators and substitutions. One long word (a quoted program, a
 * here-document) costs little and is no reason. Each character is read once.
 */
export function whyUnreadable(source: string): string | undefined {
  const lines = source.split("\n");
  const count = createCount();
  let ends: ReadonlyMap<string, number> | undefined;
  for (let at = 0; at < lines.length && count.excess() === undefined; at++) {
    const line = lines[at] ?? "";
    count.add(`${line}\n`);
    if (!line.includes("<<")) continue;
    ends ??= new Map(lines.map((text, index) => [text.trim(), index]));
    for (const [, quote, end = ""] of line.matchAll(hereDocument)) {
      if ((ends.get(end) ?? at) <= at) continue; // it has no end: the rest counts as usual
      // In a here-document that the shell expands, substitutions count.
      for (at++; lines[at]?.trim() !== end; at++)
        if (quote === "") count.add(lines[at]?.replace(/[^$`]/g, "") ?? "");
    }
  }
  return count.excess();
}

function createCount() {
  let words = 0;
  let depth = 0;
  let quote = "";
  let isWord = false;
  return {
    excess() {
      if (words > WORDS_MAX) return "it is too long";
      return depth > DEPTH_MAX ? "it is nested too deeply" : undefined;
    },
    add(text: string) {
      for (let at = 0; at < text.length && words <= WORDS_MAX && depth <= DEPTH_MAX; at++) {
        const char = text[at] ?? "";
        if (quote === "'") {
          if (char === "'") quote = "";
        } else if (char === "$" || char === "`") words++;
        else if (quote === '"') {
          if (char === "\\") at++;
          else if (char === '"') quote = "";
        } else if (ofWords.test(char)) isWord = true;
        else {
          if (char === "'" || char === '"') quote = char;
          else if (char === "\\") at++;
          else if (char === "(" || char === "{") depth++;
          else if (char === ")" || char === "}") depth = Math.max(0, depth - 1);
          if (isWord || (char !== " " && char !== "\t")) words++;
          isWord = false;
        }
      }
    },
  };
}
