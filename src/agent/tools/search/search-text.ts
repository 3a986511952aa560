import { basename, dirname } from "node:path";
import { z } from "zod";
import { placeText } from "../../workspace-path.ts";
import { argumentNormalizer, folderNames, pathNames } from "../arguments.ts";
import { ToolFailure } from "../failure.ts";
import { refuseBinary } from "../files/text-file.ts";
import { pruningArgs } from "../pruning.ts";
import { defineTool } from "../tool.ts";
import { compileGlob } from "./glob-pattern.ts";
import { linkedFolders, linkedText } from "./linked-folders.ts";
import type { Ripgrep } from "./ripgrep.ts";
import { counted, locateSearched, printableName } from "./searched-folder.ts";

const SHOWN_MAX = 100;
const LINE_CHARS_MAX = 500;
const TEXT_BYTES_MAX = 20 * 1024;
/** Matches collected before sorting, so that the shown ones are the same each time. */
const MATCHES_MAX = 5000;
const CONTEXT_MAX = 10;

const input = z.object({
  pattern: z
    .string()
    .min(1)
    .max(2000)
    .describe("Regular expression (Rust syntax: no look-around, no backreferences)"),
  path: z
    .string()
    .default(".")
    .describe("Folder or file to search, relative to the workspace root or absolute"),
  glob: z.string().max(1000).optional().describe("Only files that match, such as *.ts or src/**/*.py"),
  literal: z.boolean().default(false).describe("Take the pattern as plain text"),
  ignore_case: z.boolean().default(false),
  context: z.int().min(0).max(CONTEXT_MAX).default(0).describe("Lines before and after each match"),
  files_only: z.boolean().default(false).describe("Only the names of the files that match"),
  include_ignored: z.boolean().default(false).describe("Also what .gitignore leaves out"),
});
type Input = z.infer<typeof input>;
type Line = { number: number; text: string; isMatch: boolean };

export const createGrepTool = (ripgrep: Ripgrep) =>
  defineTool({
    name: "grep",
    kind: "search",
    readOnly: true,
    description: `Searches what is in files with ripgrep and answers with the lines that match, by file and line number: at most ${SHOWN_MAX} matches, ${LINE_CHARS_MAX} characters a line. The pattern is a regular expression; set literal for plain text. Narrow it by path or glob, or see only file names with files_only. Hidden files are searched, binary files and what .gitignore leaves out are not, unless include_ignored is set. Prefer it to grep or rg in bash.`,
    input,
    normalize: argumentNormalizer({
      names: {
        pattern: ["query", "regex"],
        path: [...pathNames, ...folderNames],
        glob: ["include", "include_pattern", "file_pattern"],
        ignore_case: ["case_insensitive", "-i"],
        context: ["-C", "context_lines"],
      },
      bounds: { context: [0, CONTEXT_MAX] },
    }),
    title: ({ pattern, path, glob }) =>
      (pattern ?? "") +
      (path === undefined || path === "." ? "" : ` in ${path}`) +
      (glob === undefined ? "" : ` (${glob})`),
    async prepare(options, context) {
      if (options.pattern.includes("\0")) throw new ToolFailure("The pattern contains a NUL character.");
      const place = await locateSearched(context.root, options.path, { isFileAllowed: true });
      const matchesGlob = options.glob === undefined ? () => true : compileGlob(options.glob);
      const folder = place.isFolder ? place.real : dirname(place.real);
      const shownName = (name: string) => {
        if (!place.isFolder) return place.shown;
        return printableName(place.shown === "." ? name : `${place.shown}/${name}`);
      };
      return {
        permission: { tool: "read", subject: { type: "path", access: "read", path: place.real } },
        async run() {
          const files = new Map<string, Line[]>();
          let matches = 0;
          const onFound = (name: string, row: string): boolean => {
            if (place.isFolder && !matchesGlob(name)) return true;
            const line = options.files_only ? { number: 0, text: "", isMatch: true } : lineOf(row);
            if (line === undefined) return true;
            const lines = files.get(name) ?? [];
            files.set(name, lines);
            lines.push(line);
            if (line.isMatch) matches++;
            return matches < MATCHES_MAX;
          };
          const args = argsOf(options, place.isFolder ? "." : `./${basename(place.real)}`);
          const output = options.files_only ? "names" : "lines";
          const end = await ripgrep.search({ args, cwd: folder, output, onFound }, context);
          if (end.code === 2 && matches === 0 && end.complaint !== "")
            throw new ToolFailure(complaintText(end.complaint));
          if (matches === 0 && !place.isFolder) await refuseBinary(place);
          const sorted = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1));
          const page = options.files_only ? namesPage(sorted, shownName) : linesPage(sorted, shownName);
          const truncated = page.shown < matches || !end.isComplete;
          const text = matches === 0 ? noMatches(options, placeText(place.shown), end.isComplete) : page.text;
          const links = matches === 0 && place.isFolder ? await linkedFolders(folder, context.signal) : [];
          const note =
            truncated && matches > 0 ? moreText(page.shown, matches, files.size, end.isComplete) : "";
          return {
            text: text + note + linkedText(links, place.shown),
            view: { kind: "matches", count: matches, truncated },
          };
        },
      };
    },
  });

function argsOf(options: Input, target: string): string[] {
  return [
    ...(options.files_only
      ? ["--files-with-matches"]
      : [
          "--line-number",
          "--no-heading",
          "--with-filename",
          `--max-columns=${LINE_CHARS_MAX}`,
          "--max-columns-preview",
        ]),
    ...(options.include_ignored ? ["--no-ignore"] : []),
    ...(options.ignore_case ? ["--ignore-case"] : []),
    ...(options.literal ? ["--fixed-strings"] : []),
    ...(options.context > 0 && !options.files_only ? [`--context=${options.context}`] : []),
    ...(options.glob === undefined || target !== "." ? [] : pruningArgs(options.glob)),
    `--regexp=${options.pattern}`,
    "--",
    target,
  ];
}

/** undefined if it is not a row. */
function lineOf(row: string): Line | undefined {
  const [, number, sign, text] = /^(\d+)([:-])(.*)$/s.exec(row) ?? [];
  if (number === undefined) return undefined;
  return { number: Number(number), text: (text ?? "").replace(/\r$/, ""), isMatch: sign === ":" };
}

type Page = { text: string; shown: number };
type Found = readonly (readonly [string, readonly Line[]])[];

function namesPage(files: Found, shownName: (name: string) => string): Page {
  const names = files.slice(0, SHOWN_MAX).map(([name]) => shownName(name));
  return { text: names.join("\n"), shown: names.length };
}

function linesPage(files: Found, shownName: (name: string) => string): Page {
  const rows: string[] = [];
  let shown = 0;
  let bytes = 0;
  for (const [name, lines] of files) {
    let last: number | undefined;
    for (const [index, line] of lines.entries()) {
      const row = `${line.number}${line.isMatch ? ":" : "-"}\t${line.text}`;
      bytes += Buffer.byteLength(row) + 1;
      if (shown >= SHOWN_MAX || (bytes > TEXT_BYTES_MAX && shown > 0))
        return { text: rows.join("\n"), shown };
      if (index === 0) rows.push(...(rows.length > 0 ? [""] : []), shownName(name));
      else if (last !== undefined && line.number > last + 1 && lines.some((other) => !other.isMatch))
        rows.push("--");
      rows.push(row);
      last = line.number;
      if (line.isMatch) shown++;
    }
  }
  return { text: rows.join("\n"), shown };
}

function noMatches({ pattern, glob, include_ignored }: Input, shown: string, isComplete: boolean): string {
  if (!isComplete)
    return `The search of ${shown} took too long and found nothing so far: name a smaller folder.`;
  const where = glob === undefined ? shown : `${shown} (${glob})`;
  return `No matches for ${pattern} in ${where}.${include_ignored ? "" : " Ignored files were not searched."}`;
}

function moreText(shown: number, matches: number, files: number, isComplete: boolean): string {
  const all = `${matches}${isComplete ? "" : " or more"}`;
  return `\n\n(${shown} of ${all} matches in ${counted(files, "file")} shown. Narrow the pattern, path or glob for the rest.)`;
}

const complaintText = (complaint: string): string =>
  /regex parse error|look-around|backreference/.test(complaint)
    ? `${complaint}\nThe pattern is no valid regular expression here. Set literal to search for it as plain text.`
    : complaint;
