import { compileText, escapeWildcards, matchText, type TextPattern } from "../../wildcards.ts";

/** A word as far as it is known before it runs. */
export type RuleWord = {
  text: string;
  /** A part of it is known only when it runs; `text` has that part as it is written. */
  unknown: boolean;
  /** Unknown and unquoted: it may become any number of words. */
  splits: boolean;
};

type Token = { rest: true } | { rest: false; pattern: TextPattern; literal: string | undefined };

/** What stands in `bash(…)`. */
export type CommandPattern = {
  tokens: readonly Token[];
  /** Without wildcards: it names one command line and no other. */
  exact: boolean;
  /** The words as one text, for a rule that forbids and ends with a star (`rm*`). */
  joined: TextPattern | undefined;
};

/** The words of a pattern, as sources for `compileText`; undefined when a quote is not closed. */
export function readWords(body: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  for (let at = 0; at < body.length; at += 1) {
    const char = body[at] ?? "";
    if (char === " " || char === "\t") {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === "'" || char === '"') {
      const end = body.indexOf(char, at + 1);
      if (end < 0) return undefined;
      word = (word ?? "") + escapeWildcards(body.slice(at + 1, end));
      at = end;
    } else if (char === "\\" && at + 1 < body.length) {
      at += 1;
      word = (word ?? "") + escapeWildcards(body[at] ?? "");
    } else word = (word ?? "") + (char === "*" ? char : escapeWildcards(char));
  }
  if (word !== undefined) words.push(word);
  return words;
}

const everyCommand: CommandPattern = { tokens: [{ rest: true }], exact: false, joined: undefined };

/** Undefined for a malformed pattern: it matches nothing (configuration is checked when it is read). */
export function compileCommand(body: string | undefined): CommandPattern | undefined {
  if (body === undefined) return everyCommand;
  const words = readWords(body);
  if (words === undefined) return undefined;
  const once = words.filter((source, index) => source !== "*" || words[index - 1] !== "*");
  const tokens = once.map((source): Token => {
    if (source === "*") return { rest: true };
    const pattern = compileText(source);
    return { rest: false, pattern, literal: pattern.wild ? undefined : source.replace(/\\(.)/gsu, "$1") };
  });
  return {
    tokens,
    exact: tokens.every((token) => !token.rest && token.literal !== undefined),
    joined: words.at(-1) !== "*" && words.at(-1)?.endsWith("*") ? compileText(words.join(" ")) : undefined,
  };
}

/** Does the rule allow exactly these words? The program is compared as it is written. */
export const allowsCommand = (pattern: CommandPattern, words: readonly RuleWord[]): boolean =>
  matchesWords(
    pattern.tokens,
    words,
    (token, word) => !token.rest && matchText(token.pattern, word.text),
    false,
  );

/** For rules that forbid: a program by its last segment, in any case. */
const programName = (text: string): string => (text.split("/").at(-1) ?? text).toLowerCase();

/**
 * Does the rule forbid these words? `maybe` when it depends on what is known only as it runs. It matches more than
 * allowing does: the program by its last segment, and a star at the end also matches further words (`rm*`).
 */
export function forbidsCommand(pattern: CommandPattern, words: readonly RuleWord[]): "yes" | "maybe" | "no" {
  const first = words[0];
  if (first === undefined) return "no";
  const program = programName(first.text);
  const same = (token: Token, word: RuleWord, index: number) => {
    if (token.rest) return false;
    if (matchText(token.pattern, word.text)) return true;
    if (index > 0) return false;
    return token.literal === undefined
      ? matchText(token.pattern, program)
      : token.literal.toLowerCase() === program;
  };
  if (matchesWords(pattern.tokens, words, same, false)) return "yes";
  const { joined } = pattern;
  if (joined !== undefined) {
    const line = words.map((word) => word.text).join(" ");
    if (matchText(joined, line) || matchText(joined, program + line.slice(first.text.length))) return "yes";
  }
  if (!words.some((word) => word.unknown)) return "no";
  const could = (token: Token, word: RuleWord, index: number) =>
    (word.unknown && !token.rest) || same(token, word, index);
  return matchesWords(pattern.tokens, words, could, true) ? "maybe" : "no";
}

/** Goes through the words once and keeps the set of tokens that may come next. */
function matchesWords(
  tokens: readonly Token[],
  words: readonly RuleWord[],
  matches: (token: Token, word: RuleWord, index: number) => boolean,
  splitting: boolean,
): boolean {
  const skipRests = (open: boolean[]) => {
    for (const [at, token] of tokens.entries()) if (open[at] && token.rest) open[at + 1] = true;
    return open;
  };
  let open = skipRests([true]);
  for (const [index, word] of words.entries()) {
    const next: boolean[] = [];
    for (const [at, token] of tokens.entries()) {
      if (!open[at]) continue;
      if (token.rest) next[at] = true;
      else if (matches(token, word, index)) next[at + 1] = true;
    }
    if (splitting && word.splits) {
      // It may be nothing, or as many words as there are tokens left.
      for (let at = open.indexOf(true); at >= 0 && at <= tokens.length; at += 1) next[at] = true;
    }
    if (next.length === 0) return false;
    open = skipRests(next);
  }
  return open[tokens.length] === true;
}

const plainWord = /^[\w@%+=:,./^-]+$/;
/** A longer rule is too long to read in a question and is not offered. */
const OFFERED_LENGTH_MAX = 160;

/** The rule that names exactly these words, or with `rest` also whatever follows; undefined when no rule can. */
export function commandRule(words: readonly string[], rest: boolean): string | undefined {
  if (words.some((word) => /[\p{Cc}\p{Cf}]/u.test(word))) return undefined;
  const rule = `bash(${words.map(quoteWord).join(" ")}${rest ? " *" : ""})`;
  return rule.length > OFFERED_LENGTH_MAX ? undefined : rule;
}

function quoteWord(word: string): string {
  if (plainWord.test(word)) return word;
  if (!word.includes("'")) return `'${word}'`;
  return word.includes('"') ? word.replace(/[^\w@%+=:,./^-]/gu, "\\$&") : `"${word}"`;
}
