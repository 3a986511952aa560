import { diffArrays } from "diff";
import { learnIndentation, type Reindent } from "./indentation.ts";
import { createSearchedText, type Key, type Replacement, type SearchedText } from "./searched-text.ts";
import { similarity } from "./similarity.ts";

/** How much of a difference was overlooked to find the place, least first. */
export type MatchPass =
  | "exact"
  | "trailing whitespace"
  | "indentation"
  | "punctuation"
  | "whitespace"
  | "similar lines";

export type Match =
  | { kind: "found"; pass: MatchPass; replacements: readonly Replacement[] }
  /** In several places: the first lines of each, from 1. */
  | { kind: "ambiguous"; pass: MatchPass; lines: readonly number[] }
  | { kind: "missing" };

/** Anchors alone prove little: the rest has to be alike as well. */
const SIMILARITY_MIN = 0.8;
const ANCHORED_LINES_MIN = 3;
/** Where more lines than this are not the same, the place is not the one that was meant. */
const UNLIKE_LINES_MAX = 500;
/** Texts that differ in more lines are not lined up: nothing of the old is kept as it stands in the file. */
const EDIT_LENGTH_MAX = 1000;
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

/** The same as `matchIn`, of a text that is searched once. */
export const matchText = (text: string, search: string, replacement: string, everywhere: boolean): Match =>
  matchIn(createSearchedText(text), search, replacement, everywhere);

/**
 * Finds the one place that `search` means and what to put there. Each pass overlooks a little more than the one
 * before, and the first that finds anything decides: two places are never narrowed down by guessing. What the
 * looser passes find is replaced line by line, so that lines which the edit keeps stay as they are in the file.
 * With `everywhere`, all places of the exact text, or of it but for trailing whitespace.
 */
export function matchIn(
  searched: SearchedText,
  search: string,
  replacement: string,
  everywhere: boolean,
): Match {
  const starts = occurrences(searched.text(), search, everywhere);
  if (starts.length > 1 && !everywhere) return ambiguous("exact", linesAt(searched, starts));
  if (starts.length > 0) {
    const replacements = starts.map((start) => ({ start, end: start + search.length, text: replacement }));
    return { kind: "found", pass: "exact", replacements };
  }
  if (search.trim() === "") return { kind: "missing" };
  const wanted = linesOf(search);
  const given = replacement === "" && search.endsWith("\n") ? [] : linesOf(replacement);
  const change = createLineChange(wanted, given);
  for (const { pass, key } of linePasses) {
    const found = matchLines(searched, change, { pass, key, everywhere });
    if (found !== undefined) return found;
    if (everywhere) break;
    if (pass === "punctuation") {
      const fragment = matchFragment(searched, search, replacement);
      if (fragment !== undefined) return fragment;
    }
  }
  const anchored = everywhere ? undefined : matchAnchors(searched, change);
  return anchored ?? { kind: "missing" };
}

const ambiguous = (pass: MatchPass, places: readonly number[]): Match => ({
  kind: "ambiguous",
  pass,
  lines: places.map((line) => line + 1),
});

const linesAt = (searched: SearchedText, offsets: readonly number[]): number[] =>
  offsets.map((offset) => searched.lineAt(offset));

/** What an edit does to lines: which of the wanted ones stay, and what comes between them. */
type LineChange = {
  wanted: readonly string[];
  given: readonly string[];
  steps(): readonly LineStep[];
};
type LineStep = { kind: "kept" | "gone"; count: number } | { kind: "come"; lines: readonly string[] };

function createLineChange(wanted: readonly string[], given: readonly string[]): LineChange {
  let steps: readonly LineStep[] | undefined;
  return {
    wanted,
    given,
    steps() {
      steps ??= stepsBetween(wanted, given);
      return steps;
    },
  };
}

function stepsBetween(wanted: readonly string[], given: readonly string[]): LineStep[] {
  const changes = diffArrays([...wanted], [...given], { maxEditLength: EDIT_LENGTH_MAX });
  if (changes === undefined)
    return [
      { kind: "gone", count: wanted.length },
      { kind: "come", lines: given },
    ];
  return changes.map(({ added, removed, value }) =>
    added ? { kind: "come", lines: value } : { kind: removed ? "gone" : "kept", count: value.length },
  );
}

type LineMatch = { pass: MatchPass; key: Key; everywhere: boolean };

function matchLines(
  searched: SearchedText,
  change: LineChange,
  { pass, key, everywhere }: LineMatch,
): Match | undefined {
  const placesMax = everywhere ? Number.POSITIVE_INFINITY : PLACES_MAX;
  const places = searched.placesOf(change.wanted, key, placesMax, !everywhere);
  if (places.length === 0) return undefined;
  if (places.length > 1 && !everywhere) return ambiguous(pass, places);
  const replacements = places.map((at) => replaceLines(searched, at, change));
  // A structure that does not carry over is no match; a looser pass would only overlook more of it.
  if (replacements.some((made) => made === undefined)) return { kind: "missing" };
  return { kind: "found", pass, replacements: replacements.filter((made) => made !== undefined) };
}

/** Part of a line, or what begins or ends within one, but for typographic characters. */
function matchFragment(searched: SearchedText, search: string, replacement: string): Match | undefined {
  const starts = occurrences(plain(searched.text()), plain(search), false);
  const [start] = starts;
  if (start === undefined) return undefined;
  if (starts.length > 1) return ambiguous("punctuation", linesAt(searched, starts));
  const end = start + search.length;
  return { kind: "found", pass: "punctuation", replacements: [{ start, end, text: replacement }] };
}

/** First and last line as written, as many lines between them, nearly the same: one such place and no other. */
function matchAnchors(searched: SearchedText, change: LineChange): Match | undefined {
  const { wanted } = change;
  const count = wanted.length;
  const [first = "", last = ""] = [wanted[0], wanted[count - 1]];
  if (count < ANCHORED_LINES_MIN || collapsed(first) === "" || collapsed(last) === "") return undefined;
  const ends = new Set(placesOfLine(searched, last));
  const places = placesOfLine(searched, first).filter((at) => ends.has(at + count - 1));
  const [at] = places;
  if (at === undefined) return undefined;
  if (places.length > 1) return ambiguous("similar lines", places.slice(0, PLACES_MAX));
  const there = searched.lines().slice(at, at + count);
  const alike: number[] = [];
  let unlike = 0;
  for (const [index, line] of wanted.entries()) {
    const [mine, theirs] = [collapsed(line), collapsed(there[index] ?? "")];
    if (mine !== theirs && ++unlike > UNLIKE_LINES_MAX) return undefined;
    alike.push(similarity(mine, theirs));
  }
  if (alike.reduce((sum, value) => sum + value, 0) / count < SIMILARITY_MIN) return undefined;
  // What the edit takes away or replaces must itself have been seen right.
  let line = 0;
  for (const step of change.steps()) {
    if (step.kind === "come") continue;
    const seen = alike.slice(line, line + step.count);
    if (step.kind === "gone" && seen.some((value) => value < SIMILARITY_MIN)) return undefined;
    line += step.count;
  }
  const made = replaceLines(searched, at, change);
  return made && { kind: "found", pass: "similar lines", replacements: [made] };
}

const placesOfLine = (searched: SearchedText, line: string): number[] =>
  searched.placesOf([line], collapsed, Number.POSITIVE_INFINITY, true);

/** Undefined when the indentation of `wanted` and of the place do not go together. */
function replaceLines(searched: SearchedText, at: number, change: LineChange): Replacement | undefined {
  const count = change.wanted.length;
  const lines = searched.lines();
  const there = lines.slice(at, at + count);
  const reindent = learnIndentation(change.wanted, there);
  if (reindent === undefined) return undefined;
  const start = searched.startOf(at);
  const lastLine = at + count - 1;
  let end = searched.startOf(lastLine) + (lines[lastLine] ?? "").length;
  const made = mergeLines(there, change, reindent);
  // Lines that go altogether take their line break with them.
  if (made.length === 0) end += at + count < lines.length ? 1 : 0;
  return { start, end, text: made.join("\n") };
}

/** What is given, with each line that it shares with what was wanted as it stands in the file. */
function mergeLines(there: readonly string[], change: LineChange, reindent: Reindent): string[] {
  const lineEnd = there.some((line) => line.endsWith("\r")) ? "\r" : "";
  let at = 0;
  return change.steps().flatMap((step) => {
    if (step.kind === "come") return step.lines.map((line) => reindent(line) + lineEnd);
    const kept = step.kind === "gone" ? [] : there.slice(at, at + step.count);
    at += step.count;
    return kept;
  });
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
