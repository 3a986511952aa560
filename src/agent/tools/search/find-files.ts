import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { placeText } from "../../workspace-path.ts";
import { argumentNormalizer, folderNames } from "../arguments.ts";
import { ToolFailure } from "../failure.ts";
import { pruningArgs } from "../pruning.ts";
import { defineTool } from "../tool.ts";
import { compileGlob, splitBase } from "./glob-pattern.ts";
import { linkedFolders, linkedText } from "./linked-folders.ts";
import type { Ripgrep } from "./ripgrep.ts";
import { counted, locateSearched, printableName } from "./searched-folder.ts";

const SHOWN_MAX = 100;
/** All matches are read and stat'ed to find the newest. */
const MATCHES_MAX = 20_000;
const STATS_AT_ONCE = 64;

const input = z.object({
  pattern: z
    .string()
    .min(1)
    .max(1000)
    .describe("Glob such as src/**/*.ts or *.{js,ts}; without / it matches names at any depth"),
  path: z.string().default(".").describe("Folder to search, relative to the workspace root or absolute"),
  include_ignored: z.boolean().default(false).describe("Also what .gitignore leaves out"),
});

export const createGlobTool = (ripgrep: Ripgrep) =>
  defineTool({
    name: "glob",
    kind: "search",
    readOnly: true,
    description: `Finds files by name. The pattern is a glob: * and ? stay within one name, ** goes through folders, {a,b} are alternatives. Answers with at most ${SHOWN_MAX} paths, the most recently changed first, hidden files included. What .gitignore leaves out (node_modules, build output) is skipped unless include_ignored is set. To search what is in files use grep.`,
    input,
    normalize: argumentNormalizer({
      names: { pattern: ["glob", "glob_pattern", "query"], path: folderNames },
    }),
    title: ({ pattern, path }) => (pattern ?? "") + (path === undefined || path === "." ? "" : ` in ${path}`),
    async prepare({ pattern, path, include_ignored }, context) {
      const { base, rest } = splitBase(pattern);
      const from = base.startsWith("/") || base === "" ? base || path : `${path}/${base}`;
      const place = await locateSearched(context.root, from, { isFileAllowed: false });
      const matches = compileGlob(rest, base === "");
      return {
        permission: { tool: "read", subject: { type: "path", access: "read", path: place.real } },
        async run() {
          const found: string[] = [];
          // A pattern within one folder does not need the links.
          const isDeep = base === "" || /\*\*|\//.test(rest);
          const linked = isDeep ? linkedFolders(place.real, context.signal) : Promise.resolve([]);
          linked.catch(() => {}); // awaited below
          const ignoring = include_ignored ? ["--no-ignore"] : [];
          const args = ["--files", ...ignoring, ...pruningArgs(rest), "--", "."];
          const end = await ripgrep.search(
            {
              args,
              cwd: place.real,
              output: "names",
              onFound(name) {
                if (matches(name)) found.push(name);
                return found.length < MATCHES_MAX;
              },
            },
            context,
          );
          if (end.code === 2 && found.length === 0 && end.complaint !== "")
            throw new ToolFailure(end.complaint);
          const newest = await newestOf(place.real, found, SHOWN_MAX);
          const shown = newest.map((name) =>
            printableName(place.shown === "." ? name : join(place.shown, name)),
          );
          const truncated = found.length > shown.length || !end.isComplete;
          const count = `${counted(found.length, "file")}${end.isComplete ? "" : " or more"}`;
          const hint = include_ignored ? "" : " Ignored files were not looked at.";
          const text =
            found.length === 0
              ? `No file matches ${pattern} in ${placeText(place.shown)}.${hint}`
              : [
                  ...shown,
                  ...(truncated
                    ? [
                        "",
                        `(${count} match; these are the newest ${shown.length}. A narrower pattern shows the rest.)`,
                      ]
                    : []),
                ].join("\n");
          const left = linkedText(await linked, place.shown);
          return { text: text + left, view: { kind: "matches", count: found.length, truncated } };
        },
      };
    },
  });

/** The newest files. Sorted batch by batch, because sorting all at once would block for long. */
async function newestOf(folder: string, names: readonly string[], count: number): Promise<string[]> {
  let newest: { name: string; time: number }[] = [];
  for (let at = 0; at < names.length; at += STATS_AT_ONCE) {
    const batch = names.slice(at, at + STATS_AT_ONCE).map(async (name) => {
      const stats = await lstat(join(folder, name)).catch(() => undefined); // deleted meanwhile
      return { name, time: stats?.mtimeMs ?? 0 };
    });
    newest = [...newest, ...(await Promise.all(batch))]
      .sort((a, b) => b.time - a.time || (a.name < b.name ? -1 : 1))
      .slice(0, count);
  }
  return newest.map(({ name }) => name);
}
