import { diffArrays } from "diff";
import { learnIndentation, type Reindent } from "./indentation.ts";

/** How much of a difference was overlooked to find the place, least first. */
export type MatchPass =
  | "exact"
  | "trailing whitespace"
  | "indentation"
  | "punctuation"
  | "whitespace"
  | "similar lines";

/** UTF-16 offsets into the text that was searched. */
export type Replacement = { start: number; end: number; text: string };

export type Match =
  | { kind: "found"; pass: MatchPass; replacements: readonly Replacement[] }
  /** In several places: the first lines of each, from 1. */
  | { kind: "ambiguous"; pass: MatchPass; lines: readonly number[] }
  | { kind: "missing" };

type Key = (line: string) => string;

/** Anchors alone prove little: the rest has to be alike as well. */
const SIMILARITY_MIN = 0.8;
const ANCHORED_LINES_MIN = 3;
const COMPARED_CHARS_MAX = 400;
/** Places told of an ambiguous text. */
const PLACES_MAX = 1000;

const punctuation: Readonly<Record<string, string>> = Object.fromEntries(
  [
    ["‘’‚‛′`´", "'"],
    ["“”„‟″«»", '"'],
    ["‐‑‒–—―−", "-"],
    ["\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "],
  ].flatMap(([from = "", to = ""]) => [...from].map((char) => [char, to])),
);
const typographic = new RegExp(`[${Object.keys(punctuation).join("")}]`, "g");

/** Character by character, so that offsets stay what they were. */
const plain = (text: string): string => text.replace(typographic, (char) => punctuation[char] ?? char);
const collapsed = (line: string): string => plain(line).trim().replaceAll(/\s+/g, " ");

const linePasses: readonly { pass: MatchPass; key: Key }[] = [
  { pass: "trailing whitespace", key: (line) => line.trimEnd() },
  { pass: "indentation", key: (line) => line.trim() },
  { pass: "punctuation", key: (line) => plain(line).trim() },
  { pass: "whitespace", key: collapsed },
];

/**
 * Finds the one place that `search` means and what to put there. Each pass overlooks a little more than the one
 * before, and the first that finds anything decides: two places are never narrowed down by guessing. What the
 * looser passes find is replaced line by line, so that lines which the edit keeps stay as they are in the file.
 * With `everywhere`, all places of the exact text, or of it but for trailing whitespace.
 */
export function matchText(text: string, search: string, replacement: string, everywhere: boolean): Match {
  const starts = occurrences(text, search, everywhere);
  if (starts.length > 1 && !everywhere)
    return { kind: "ambiguous", pass: "exact", lines: starts.map((start) => lineAt(text, start)) };
  if (starts.length > 0) {
    const replacements = starts.map((start) => ({ start, end: start + search.length, text: replacement }));
    return { kind: "found", pass: "exact", replacements };
  }
  if (search.trim() === "") return { kind: "missing" };
  const lines = text.split("\n");
  const wanted = linesOf(search);
  const given = replacement === "" && search.endsWith("\n") ? [] : linesOf(replacement);
  for (const { pass, key } of linePasses) {
    const found = matchLines(lines, wanted, given, { pass, key, everywhere });
    if (found !== undefined) return found;
    if (everywhere) break;
    if (pass === "punctuation") {
      const fragment = matchFragment(text, search, replacement);
      if (fragment !== undefined) return fragment;
    }
  }
  const anchored = everywhere ? undefined : matchAnchors(lines, wanted, given);
  return anchored ?? { kind: "missing" };
}

type LineMatch = { pass: MatchPass; key: Key; everywhere: boolean };

function matchLines(
  lines: readonly string[],
  wanted: readonly string[],
  given: readonly string[],
  { pass, key, everywhere }: LineMatch,
): Match | undefined {
  const keys = lines.map(key);
  const wantedKeys = wanted.map(key);
  const places: number[] = [];
  for (let at = 0; at + wanted.length <= lines.length && places.length < PLACES_MAX; at++) {
    if (!wantedKeys.every((line, index) => line === keys[at + index])) continue;
    places.push(at);
    if (everywhere) at += wanted.length - 1;
  }
  if (places.length === 0) return undefined;
  if (places.length > 1 && !everywhere) return { kind: "ambiguous", pass, lines: places.map((at) => at + 1) };
  const replacements = places.map((at) => replaceLines(lines, at, wanted, given));
  // A structure that does not carry over is no match; a looser pass would only overlook more of it.
  if (replacements.some((made) => made === undefined)) return { kind: "missing" };
  return { kind: "found", pass, replacements: replacements.filter((made) => made !== undefined) };
}

/** Part of a line, or what begins or ends within one, but for typographic characters. */
function matchFragment(text: string, search: string, replacement: string): Match | undefined {
  const starts = occurrences(plain(text), plain(search), false);
  const [start] = starts;
  if (start === undefined) return undefined;
  if (starts.length > 1)
    return { kind: "ambiguous", pass: "punctuation", lines: starts.map((found) => lineAt(text, found)) };
  const end = start + search.length;
  return { kind: "found", pass: "punctuation", replacements: [{ start, end, text: replacement }] };
}

/** First and last line as written, as many lines between them, nearly the same: one such place and no other. */
function matchAnchors(
  lines: readonly string[],
  wanted: readonly string[],
  given: readonly string[],
): Match | undefined {
  const count = wanted.length;
  const first = collapsed(wanted[0] ?? "");
  const last = collapsed(wanted[count - 1] ?? "");
  if (count < ANCHORED_LINES_MIN || first === "" || last === "") return undefined;
  const places: number[] = [];
  for (let at = 0; at + count <= lines.length && places.length < PLACES_MAX; at++)
    if (collapsed(lines[at] ?? "") === first && collapsed(lines[at + count - 1] ?? "") === last)
      places.push(at);
  const [at] = places;
  if (at === undefined) return undefined;
  if (places.length > 1)
    return { kind: "ambiguous", pass: "similar lines", lines: places.map((place) => place + 1) };
  const alike = wanted.map((line, index) => similarity(collapsed(line), collapsed(lines[at + index] ?? "")));
  if (alike.reduce((sum, value) => sum + value, 0) / count < SIMILARITY_MIN) return undefined;
  // What the edit takes away or replaces must itself have been seen right.
  const gone = keptLines(wanted, given).flatMap((isKept, index) => (isKept ? [] : [alike[index] ?? 0]));
  if (gone.some((value) => value < SIMILARITY_MIN)) return undefined;
  const made = replaceLines(lines, at, wanted, given);
  return made && { kind: "found", pass: "similar lines", replacements: [made] };
}

/** Undefined when the indentation of `wanted` and of the place do not go together. */
function replaceLines(
  lines: readonly string[],
  at: number,
  wanted: readonly string[],
  given: readonly string[],
): Replacement | undefined {
  const there = lines.slice(at, at + wanted.length);
  const reindent = learnIndentation(wanted, there);
  if (reindent === undefined) return undefined;
  const start = lines.slice(0, at).reduce((sum, line) => sum + line.length + 1, 0);
  let end = start + there.join("\n").length;
  const made = mergeLines(there, wanted, given, reindent);
  // Lines that go altogether take their line break with them.
  if (made.length === 0) end += at + wanted.length < lines.length ? 1 : 0;
  return { start, end, text: made.join("\n") };
}

/** `given`, with each line that it shares with `wanted` as it stands in the file. */
function mergeLines(
  there: readonly string[],
  wanted: readonly string[],
  given: readonly string[],
  reindent: Reindent,
): string[] {
  const lineEnd = there.some((line) => line.endsWith("\r")) ? "\r" : "";
  let at = 0;
  return diffArrays([...wanted], [...given]).flatMap((change) => {
    if (change.added) return change.value.map((line) => reindent(line) + lineEnd);
    const kept = change.removed ? [] : there.slice(at, at + change.value.length);
    at += change.value.length;
    return kept;
  });
}

function keptLines(wanted: readonly string[], given: readonly string[]): boolean[] {
  return diffArrays([...wanted], [...given])
    .filter((change) => !change.added)
    .flatMap((change) => change.value.map(() => !change.removed));
}

/** A final line break ends the last line; it does not begin another. */
export const linesOf = (text: string): string[] =>
  (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");

/** Overlapping places count as two, except when all of them are meant. */
function occurrences(text: string, search: string, everywhere: boolean): number[] {
  const starts: number[] = [];
  if (search === "") return starts;
  const step = everywhere ? search.length : 1;
  for (let at = text.indexOf(search); at !== -1; at = text.indexOf(search, at + step)) {
    starts.push(at);
    if (!everywhere && starts.length >= PLACES_MAX) break;
  }
  return starts;
}

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let at = text.indexOf("\n"); at !== -1 && at < offset; at = text.indexOf("\n", at + 1)) line++;
  return line;
}

/** 1 for equal, 0 for nothing in common: Levenshtein distance over the longer length. */
export function similarity(first: string, second: string): number {
  if (first === second) return 1;
  const a = first.slice(0, COMPARED_CHARS_MAX);
  const b = second.slice(0, COMPARED_CHARS_MAX);
  const longer = Math.max(a.length, b.length);
  if (longer === 0 || Math.min(a.length, b.length) / longer < 0.3) return 0;
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      const swapped = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(swapped, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return 1 - (row[b.length] ?? longer) / longer;
}
