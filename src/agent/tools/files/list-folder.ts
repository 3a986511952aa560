import { opendir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { argumentNormalizer, folderNames } from "../arguments.ts";
import { type IgnoreRules, readIgnoreRules } from "../search/ignore-rules.ts";
import { counted, locateSearched, printableName } from "../search/searched-folder.ts";
import { defineTool } from "../tool.ts";

const ENTRIES_MAX = 1000;
const DEPTH_MAX = 10;
/** Entries read of one folder before sorting. Of a larger folder only this many are listed, in the disk's order. */
const FOLDER_ENTRIES_MAX = 20_000;
const IGNORED_NAMED_MAX = 12;

const input = z.object({
  path: z.string().default(".").describe("Folder, relative to the workspace root or absolute"),
  depth: z.int().min(1).max(DEPTH_MAX).default(2).describe("How many levels"),
  include_ignored: z.boolean().default(false).describe("Also what .gitignore leaves out"),
});

export const listTool = defineTool({
  name: "list",
  kind: "read",
  readOnly: true,
  description: `Lists a folder as an indented tree: folders end in /, links show where they lead, hidden files are included. Goes \`depth\` levels down (2 unless told) and stops at ${ENTRIES_MAX} entries. What .gitignore leaves out is not shown, only named at the end, unless include_ignored is set. Use it to get to know a project; use glob to find files by name and grep to find them by content.`,
  input,
  normalize: argumentNormalizer({ names: { path: folderNames }, bounds: { depth: [1, DEPTH_MAX] } }),
  title: ({ path }) => path ?? ".",
  async prepare({ path, depth, include_ignored }, context) {
    const place = await locateSearched(context.root, path, { isFileAllowed: false });
    return {
      permission: { tool: "read", subject: { type: "path", access: "read", path: place.real } },
      async run() {
        const rules = include_ignored ? undefined : await readIgnoreRules(place.real);
        const tree = await readTree(place.real, depth, rules, context.signal);
        const lines = draw(tree.root, "");
        const notes = [
          lines.length === 0 ? "The folder is empty." : "",
          tree.isCut ? `Stopped at ${ENTRIES_MAX} entries; list a folder below, or use glob.` : "",
          tree.ignored.length > 0 ? `Ignored and not shown: ${namesText(tree.ignored)}.` : "",
        ].filter((note) => note !== "");
        const text = [`${place.shown}/`, ...lines, ...(notes.length > 0 ? ["", `(${notes.join(" ")})`] : [])];
        return { text: text.join("\n"), view: { kind: "matches", count: tree.count, truncated: tree.isCut } };
      },
    };
  },
});

type Node = { name: string; path: string; isFolder: boolean; target?: string | undefined; below: Node[] };
type Tree = { root: Node; count: number; isCut: boolean; ignored: string[] };

/** Reads level by level, so that the limit cuts off the deepest entries. */
async function readTree(
  path: string,
  depth: number,
  rules: IgnoreRules | undefined,
  signal: AbortSignal,
): Promise<Tree> {
  const root: Node = { name: "", path, isFolder: true, below: [] };
  const tree: Tree = { root, count: 0, isCut: false, ignored: [] };
  let level: { node: Node; rules: IgnoreRules | undefined }[] = [{ node: root, rules }];
  for (let deep = 0; deep < depth && level.length > 0; deep++) {
    const next: typeof level = [];
    for (const { node, rules: here } of level) {
      signal.throwIfAborted();
      const entries = await readFolder(node.path).catch((error: unknown) => {
        if (node === root) throw error;
        return []; // an unreadable subfolder is shown empty
      });
      for (const entry of entries) {
        if (here?.isIgnored(entry.path, entry.isFolder)) {
          if (entry.name !== ".git")
            tree.ignored.push(entry.path.slice(path.length + 1) + (entry.isFolder ? "/" : ""));
          continue;
        }
        if (tree.count >= ENTRIES_MAX) {
          tree.isCut = true;
          return tree;
        }
        tree.count++;
        node.below.push(entry);
        if (entry.isFolder && deep + 1 < depth)
          next.push({ node: entry, rules: await here?.enter(entry.path) });
      }
    }
    level = next;
  }
  return tree;
}

async function readFolder(path: string): Promise<Node[]> {
  const entries: Node[] = [];
  for await (const entry of await opendir(path)) {
    const node: Node = {
      name: entry.name,
      path: join(path, entry.name),
      isFolder: entry.isDirectory(),
      below: [],
    };
    if (entry.isSymbolicLink()) node.target = await readlink(node.path).catch(() => "?");
    if (entries.push(node) >= FOLDER_ENTRIES_MAX) break;
  }
  return entries.sort((a, b) => Number(b.isFolder) - Number(a.isFolder) || (a.name < b.name ? -1 : 1));
}

function draw(node: Node, indent: string): string[] {
  return node.below.flatMap((entry) => {
    const target = entry.target === undefined ? "" : ` -> ${printableName(entry.target)}`;
    const line = `${indent}${printableName(entry.name)}${entry.isFolder ? "/" : ""}${target}`;
    return [line, ...draw(entry, `${indent}  `)];
  });
}

function namesText(paths: readonly string[]): string {
  const named = paths.slice(0, IGNORED_NAMED_MAX).map(printableName).join(", ");
  const more = paths.length - IGNORED_NAMED_MAX;
  return more > 0 ? `${named} and ${counted(more, "more", "more")}` : named;
}
