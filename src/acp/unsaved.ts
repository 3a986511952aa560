import { readFile, stat } from "node:fs/promises";
import type { Attachment } from "../protocol/routes/runs.ts";

/** A prompt may have 32 attachments. */
const FILES_MAX = 8;
const CHARS_MAX = 1024 * 1024;
const ATTACHMENTS_MAX = 32;

/**
 * Files that a prompt names and whose text in the editor is another than on disk: that text, to be attached. The file
 * itself is attached as it is on disk, because that is what tools read and change.
 */
export async function unsavedTexts(
  attached: readonly Attachment[],
  absolute: (path: string) => string,
  inEditor: (path: string) => Promise<string | undefined>,
): Promise<Attachment[]> {
  const room = Math.min(FILES_MAX, ATTACHMENTS_MAX - attached.length);
  const files = attached.flatMap(({ path, name }) => (path === undefined ? [] : [{ path, name }]));
  const found = await Promise.all(
    files.slice(0, Math.max(0, room)).map(async ({ path, name }): Promise<Attachment[]> => {
      const saved = await savedText(absolute(path));
      const text = saved === undefined ? undefined : await inEditor(absolute(path));
      if (text === undefined || plain(text) === plain(saved ?? "") || text.length > CHARS_MAX) return [];
      const what = `${name.slice(0, 180)} (as it is in the editor, not saved: the file still differs)`;
      return [{ name: what, media_type: "text/plain", data: Buffer.from(text, "utf8").toString("base64") }];
    }),
  );
  return found.flat();
}

/** Editors keep lines: a byte order mark, line ends and a last line break are not the text's. */
const plain = (text: string): string =>
  text
    .replace(/^\ufeff/, "")
    .replaceAll("\r\n", "\n")
    .replace(/\n$/, "");

/** undefined for what is no file, or too large. */
async function savedText(path: string): Promise<string | undefined> {
  try {
    const stats = await stat(path);
    return stats.isFile() && stats.size <= CHARS_MAX ? await readFile(path, "utf8") : undefined;
  } catch {
    return undefined; // it is not there: the prompt itself says so
  }
}
