import { stat } from "node:fs/promises";
import { locate, type WorkspacePath } from "../workspace-path.ts";
import { ToolFailure } from "./failure.ts";
import { specialTypeOf } from "./file-type.ts";

/** Where a search begins. Throws ToolFailure for what cannot be searched. */
export async function locateSearched(
  root: string,
  path: string,
  { isFileAllowed }: { isFileAllowed: boolean },
): Promise<WorkspacePath & { isFolder: boolean }> {
  const place = await locate(root, path);
  if (/^\/(proc|sys|dev)?(\/|$)/.test(place.real))
    throw new ToolFailure(
      `${place.shown} is not searched: it holds the kernel's files. Name a folder of the disk.`,
    );
  const stats = await stat(place.real);
  const isFolder = stats.isDirectory();
  const special = specialTypeOf(stats);
  if (!isFolder && special !== undefined)
    throw new ToolFailure(`${place.shown} is ${special}: name a folder.`);
  if (!isFolder && !isFileAllowed) throw new ToolFailure(`${place.shown} is a file: name a folder.`);
  return { ...place, isFolder };
}

/** File names may hold anything but a slash and NUL; line breaks and escapes would tell lies in a list. */
export const printableName = (name: string): string =>
  /[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(name) ? JSON.stringify(name) : name;

/** "1 file", "3 files". */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : plural}`;
