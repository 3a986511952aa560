import { realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import type { Reach } from "../../files/folder-gate.ts";
import { decodeText, readBeginning } from "../../files/read-beginning.ts";
import { inOneLine, textInside } from "../../hearth-note.ts";
import { contains } from "../../workspace-path.ts";

/** Names of instruction files, in order; the first one found in a folder counts. */
const names = ["AGENTS.md", "CLAUDE.md", "GEMINI.md"] as const;
/** Limit for all instructions of a session together. */
const BYTES_MAX = 32 * 1024;
const ANCESTORS_MAX = 32;

export type Instructions = { path: string; text: string };

type Beginning = { text: string; isCut: boolean };

/** The start of a regular file; undefined if there is none, or if it is a link that leads outside. */
async function readInside(top: string, path: string, bytesMax: number): Promise<Beginning | undefined> {
  try {
    const real = await realpath(path);
    const found = contains(top, real) ? await readBeginning(real, bytesMax) : undefined;
    if (found === undefined) return undefined;
    const text = decodeText(found.bytes) ?? "[This file is no text: hearth could not read it.]";
    return { text, isCut: found.size > bytesMax };
  } catch {
    return undefined; // most folders have none
  }
}

const hasEntry = (path: string): Promise<boolean> =>
  realpath(path).then(
    () => true,
    () => false,
  );

/** The repository's root, or the folder itself outside a repository. */
async function repositoryRoot(folder: string): Promise<string> {
  let at = folder;
  for (let up = 0; up < ANCESTORS_MAX; up += 1) {
    if (await hasEntry(join(at, ".git"))) return at;
    const parent = dirname(at);
    if (parent === at) break;
    at = parent;
  }
  return folder;
}

/** The folders from `from` (excluded) down to `to`. */
function below(from: string, to: string): string[] {
  const way = relative(from, to);
  if (way === "" || !contains(from, to)) return [];
  const parts = way.split(sep);
  return parts.map((_, at) => join(from, ...parts.slice(0, at + 1))).slice(0, ANCESTORS_MAX);
}

/**
 * One session's project instructions: those from the repository's root down to the session's folder at the start, and
 * those of a subfolder when a file in it is first touched. They are quoted; references in them to other files are not
 * followed. A link out of the repository is not read. All together have at most 32 KB. `toldFolders` were sent before a
 * restart.
 */
export function createInstructions(root: string, reach: Reach, toldFolders: readonly string[] = []) {
  const looked = new Set<string>(toldFolders);
  let top: string | undefined;
  let left = BYTES_MAX;

  async function instructionsOf(folder: string, within: string, bytesMax: number) {
    for (const name of names) {
      const path = join(folder, name);
      const found = await readInside(within, path, bytesMax);
      if (found !== undefined) return { path: relative(root, path) || name, ...found };
    }
    return undefined;
  }

  /** What was read counts as sent only if it was awaited: a canceled look is repeated. */
  async function lookIn(
    foldersBelow: (top: string) => readonly string[],
    signal: AbortSignal,
  ): Promise<Instructions[]> {
    top ??= await reach(() => repositoryRoot(root), signal);
    const within = top;
    const folders = foldersBelow(within).filter((folder) => !looked.has(folder));
    if (folders.length === 0) return [];
    const read = await reach(async () => {
      const found = [];
      let bytesLeft = left;
      for (const folder of folders) {
        const one = await instructionsOf(folder, within, Math.max(0, bytesLeft));
        if (one === undefined) continue;
        bytesLeft -= Buffer.byteLength(one.text);
        found.push(one);
      }
      return { found, bytesLeft };
    }, signal);
    left = read.bytesLeft;
    for (const folder of folders) looked.add(folder);
    return read.found.flatMap(({ path, text, isCut }) => {
      const cut = isCut
        ? `\n[Cut here: instructions are limited to ${BYTES_MAX / 1024} KB. Read ${path} for the rest.]`
        : "";
      return text.trim() === "" && cut === "" ? [] : [{ path, text: text.trim() + cut }];
    });
  }

  return {
    /** The instructions at the start. */
    initial: (signal: AbortSignal): Promise<Instructions[]> =>
      lookIn((within) => [within, ...below(within, root)], signal),
    /** The folders that were checked, to be passed in again after a restart. */
    folders: (): string[] => [...looked],
    /** The same when those of subfolders were left out of the conversation: they are sent again when they are needed. */
    again: () =>
      createInstructions(
        root,
        reach,
        [...looked].filter((folder) => below(root, folder).length === 0),
      ),
    /** The instructions not sent yet of the folders between the root and a touched file. */
    forPath(path: string, signal: AbortSignal): Promise<Instructions[]> {
      const absolute = isAbsolute(path) ? path : join(root, path);
      return lookIn(() => below(root, dirname(absolute)), signal);
    },
  };
}

export const quoteInstructions = (found: readonly Instructions[]): string =>
  found
    .map(
      ({ path, text }) =>
        `<project_instructions path=${JSON.stringify(inOneLine(path))}>\n${textInside("project_instructions", text)}\n</project_instructions>`,
    )
    .join("\n\n");
