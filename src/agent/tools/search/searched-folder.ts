import { stat } from "node:fs/promises";
import { locate, type WorkspacePath } from "../../workspace-path.ts";
import { ToolFailure } from "../failure.ts";
import { specialTypeOf } from "../files/file-type.ts";

/** The folder or file to search. Throws ToolFailure if it cannot be searched. */
export async function locateSearched(
  root: string,
  path: string,
  { isFileAllowed }: { isFileAllowed: boolean },
): Promise<WorkspacePath & { isFolder: boolean }> {
  const place = await locate(root, path);
  if (/^\/(proc|sys|dev)?(\/|$)/.test(place.real))
    throw new ToolFailure(
      `${place.shown} is not searched: it contains the kernel's files. Name a folder on disk.`,
    );
  const stats = await stat(place.real);
  const isFolder = stats.isDirectory();
  const special = specialTypeOf(stats);
  if (!isFolder && special !== undefined)
    throw new ToolFailure(`${place.shown} is ${special}: name a folder.`);
  if (!isFolder && !isFileAllowed) throw new ToolFailure(`${place.shown} is a file: name a folder.`);
  return { ...place, isFolder };
}

/** File names may contain line breaks and escapes, which would garble or fake a list: quote them. */
export const printableName = (name: string): string =>
  /[\x00-\x1f\x7f-\x9f\u2028\u2029]/.test(name) ? JSON.stringify(name) : name;

/** "1 file", "3 files". */
export const counted = (count: number, noun: string, plural = `${noun}s`): string =>
  `${count} ${count === 1 ? noun : plural}`;
