import { execFile } from "node:child_process";
import { readFile, stat } from "node:fs/promises";
import { basename, isAbsolute, relative, resolve } from "node:path";
import { isImage, mediaTypeOf } from "../../client/media-type.ts";
import type { Attachment } from "../../protocol/routes/runs.ts";

/** The most that every provider accepts. */
const BYTES_MAX = 5_000_000;

/**
 * The file at a path as an attachment: a file in the workspace by its path, an image elsewhere with its bytes.
 * Undefined if there is no file, or none that can be attached.
 */
export async function readDragged(
  path: string,
  cwd: string,
  home: string,
  isRemote = false,
): Promise<Attachment | undefined> {
  const full = resolve(cwd, path.replace(/^~(?=\/)/, home));
  const found = await stat(full).catch(() => undefined);
  if (found === undefined || !found.isFile()) return undefined;
  const named = { name: basename(full), media_type: mediaTypeOf(full) };
  const inside = relative(cwd, full);
  const isInside = !isRemote && !inside.startsWith("..") && !isAbsolute(inside);
  if (!isImage(full)) return isInside ? { ...named, path: inside } : undefined;
  if (found.size > BYTES_MAX) return undefined;
  if (isInside) return { ...named, path: inside };
  return { ...named, data: (await readFile(full)).toString("base64") };
}

/** Commands that print the clipboard's image; the first one that works is used. */
const clipboards: readonly (readonly [string, ...string[]])[] = [
  ["wl-paste", "--no-newline", "--type", "image/png"],
  ["xclip", "-selection", "clipboard", "-t", "image/png", "-o"],
  ["pngpaste", "-"],
];

/** The image in the clipboard; undefined if there is none, or no command to read it. */
export async function clipboardImage(): Promise<Attachment | undefined> {
  for (const [program, ...args] of clipboards) {
    const bytes = await new Promise<Buffer | undefined>((resolveBytes) => {
      execFile(program, args, { encoding: "buffer", maxBuffer: BYTES_MAX, timeout: 2000 }, (error, stdout) =>
        resolveBytes(error === null && stdout.length > 0 ? stdout : undefined),
      );
    });
    if (bytes?.subarray(1, 4).toString("latin1") === "PNG") {
      return { name: "clipboard.png", media_type: "image/png", data: bytes.toString("base64") };
    }
  }
  return undefined;
}
