import { ToolFailure } from "../failure.ts";
import { createSearchedText } from "../search/searched-text.ts";
import { closestLines } from "./closest-lines.ts";
import { type MatchPass, matchIn } from "./match-text.ts";

export type Edit = { old_string: string; new_string: string; replace_all?: boolean | undefined };

export type Applied = {
  text: string;
  /** One for each edit. */
  reports: { pass: MatchPass; count: number }[];
};

/** A line number from the read tool, copied along with the text. */
const numberedLine = /^\s*\d+\t/;
const PLACES_SHOWN_MAX = 8;

/** Applies the edits in order, each to the result of the previous one. Throws ToolFailure if one does not apply. */
export function applyEdits(text: string, edits: readonly Edit[], shown: string): Applied {
  const reports: Applied["reports"] = [];
  const searched = createSearchedText(text);
  for (const [index, edit] of edits.entries()) {
    const name = edits.length === 1 ? "old_string" : `old_string of edit ${index + 1} (of ${edits.length})`;
    const search = edit.old_string.replaceAll("\r\n", "\n");
    const replacement = edit.new_string.replaceAll("\r\n", "\n");
    if (search === "")
      throw new ToolFailure(`${name} is empty: give the text to replace, or create files with write.`);
    if (search === replacement)
      throw new ToolFailure(`${name} and new_string are the same: nothing to change.`);
    const match = matchIn(searched, search, replacement, edit.replace_all ?? false);
    if (match.kind === "ambiguous") throw new ToolFailure(ambiguous(name, shown, match.lines));
    if (match.kind === "missing") throw new ToolFailure(missing(name, shown, searched.text(), search, index));
    reports.push({ pass: match.pass, count: match.replacements.length });
    searched.replace(match.replacements);
  }
  return { text: searched.text(), reports };
}

function ambiguous(name: string, shown: string, lines: readonly number[]): string {
  const places = lines.slice(0, PLACES_SHOWN_MAX).join(", ") + (lines.length > PLACES_SHOWN_MAX ? ", …" : "");
  return `${name} occurs ${lines.length} times in ${shown} (lines ${places}). Nothing was changed. Add lines before or after it until it is unique, or set replace_all.`;
}

function missing(name: string, shown: string, text: string, search: string, index: number): string {
  const closest = closestLines(text, search);
  const isNumbered = search.split("\n").every((line) => line === "" || numberedLine.test(line));
  return [
    `${name} was not found in ${shown}. Nothing was changed.`,
    isNumbered ? "Leave out the line numbers that read puts before each line." : "",
    index > 0 ? "Edits are applied in order: it is searched in the result of the earlier edits." : "",
    closest === undefined
      ? "Nothing there is like it: read the file again."
      : `The closest lines are:\n${closest}`,
  ]
    .filter((line) => line !== "")
    .join("\n");
}
