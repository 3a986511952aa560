import { realpathSync } from "node:fs";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
import { inOneLine, textInside } from "../hearth-note.ts";
import { contains } from "../workspace-path.ts";
import { decodeText, readBeginning } from "./read-beginning.ts";

/** In this order a folder's instructions are looked for; the first one found counts. */
const names = ["AGENTS.md", "CLAUDE.md", "GEMINI.md"] as const;
/** For all instructions of a session together. */
const BYTES_MAX = 32 * 1024;
const ANCESTORS_MAX = 32;

export type Instructions = { path: string; text: string };

/** The beginning of a regular file; undefined where there is none, or where it is a link that leads out. */
function readInside(
  root: string,
  path: string,
  bytesMax: number,
): { text: string; isCut: boolean } | undefined {
  try {
    const real = realpathSync(path);
    const found = contains(root, real) ? readBeginning(real, bytesMax) : undefined;
    if (found === undefined) return undefined;
    const text = decodeText(found.bytes) ?? "[This file is no text: hearth could not read it.]";
    return { text, isCut: found.size > bytesMax };
  } catch {
    return undefined; // most folders have none
  }
}

function hasEntry(path: string): boolean {
  try {
    realpathSync(path);
    return true;
  } catch {
    return false; // that is the question
  }
}

/** The repository's root, or the folder itself outside one. */
function repositoryRoot(folder: string): string {
  let at = folder;
  for (let up = 0; up < ANCESTORS_MAX; up += 1) {
    if (hasEntry(join(at, ".git"))) return at;
    const parent = dirname(at);
    if (parent === at) break;
    at = parent;
  }
  return folder;
}

/**
 * One session's project instructions: those from the repository's root down to the session's own folder at the
 * start, and those of a folder below when a file in it is first touched. They are quoted, never followed to
 * other files; a link out of the repository is not read; together they stay within 32 KB. `toldFolders` were told
 * before a restart.
 */
export function createInstructions(root: string, toldFolders: readonly string[] = []) {
  const top = repositoryRoot(root);
  const looked = new Set<string>(toldFolders);
  let left = BYTES_MAX;

  function lookIn(folder: string): Instructions | undefined {
    if (looked.has(folder)) return undefined;
    looked.add(folder);
    for (const name of names) {
      const path = join(folder, name);
      const found = readInside(top, path, Math.max(0, left));
      if (found === undefined) continue;
      left -= Buffer.byteLength(found.text);
      const shown = relative(root, path) || name;
      const cut = found.isCut
        ? `\n[Cut here: instructions are limited to ${BYTES_MAX / 1024} KB. Read ${shown} for the rest.]`
        : "";
      if (found.text.trim() === "" && cut === "") return undefined;
      return { path: shown, text: found.text.trim() + cut };
    }
    return undefined;
  }

  /** Folders from `from` down to `to`, `from` excluded. */
  function below(from: string, to: string): string[] {
    const way = relative(from, to);
    if (way === "" || !contains(from, to)) return [];
    const parts = way.split(sep);
    return parts.map((_, at) => join(from, ...parts.slice(0, at + 1))).slice(0, ANCESTORS_MAX);
  }

  return {
    /** Once, at the start. */
    initial: (): Instructions[] =>
      [top, ...below(top, root)].map(lookIn).filter((found) => found !== undefined),
    /** The folders that were looked into, to be given back after a restart. */
    folders: (): string[] => [...looked],
    /** What was not told yet of the folders between the root and a file that is touched. */
    forPath(path: string): Instructions[] {
      const absolute = isAbsolute(path) ? path : join(root, path);
      return below(root, dirname(absolute))
        .map(lookIn)
        .filter((found) => found !== undefined);
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
