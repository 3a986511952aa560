import { isAbsolute, join, normalize } from "node:path";
import type { ShellWord } from "./words.ts";

/** Stands for a folder that is known only as it runs. */
export const SOMEWHERE = "/\u{f8ff}";
export const isSomewhere = (path: string): boolean => path.startsWith(SOMEWHERE);

/** Every folder that a command may run in; never none. */
export type Folders = readonly string[];

/** Where a command may leave the shell: when it succeeds, and however it ends. */
export type After = { ok: Folders; any: Folders };

const FOLDERS_MAX = 8;

export const stays = (folders: Folders): After => ({ ok: folders, any: folders });

export function merge(a: Folders, b: Folders): Folders {
  const all = [...new Set([...a, ...b])];
  return all.length <= FOLDERS_MAX ? all : [SOMEWHERE];
}

/** After one or the other. */
export const either = (a: After, b: After): After => ({ ok: merge(a.ok, b.ok), any: merge(a.any, b.any) });

/** A folder below each of these. The names of links stay: where they lead is asked of the disk later. */
export function foldersBelow(to: ShellWord, folders: Folders): Folders {
  if (to.pieces.some((piece) => piece.kind !== "text")) return [SOMEWHERE];
  if (isAbsolute(to.text)) return [normalize(to.text)];
  return folders.map((folder) => (isSomewhere(folder) ? SOMEWHERE : join(folder, to.text)));
}

/** The folders that `cd` with these arguments leads to when it succeeds. */
export function foldersAfterCd(
  args: readonly ShellWord[],
  folders: Folders,
  home: string | undefined,
): Folders {
  const operands = /^(-[LPe@]+|--)$/.test(args[0]?.text ?? "") ? args.slice(1) : args;
  const [to] = operands;
  if (to === undefined) return [home ?? SOMEWHERE];
  return operands.length > 1 || to.text.startsWith("-") ? [SOMEWHERE] : foldersBelow(to, folders);
}
