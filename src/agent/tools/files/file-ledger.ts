import type { FileLedger, SeenFile } from "../tool.ts";

/** Texts are kept for diffs of later changes. Beyond this, the files seen longest ago lose theirs. */
const TEXT_CHARS_MAX = 8 * 1024 * 1024;
const FILES_MAX = 5000;

/** One per session: the files as the model has seen them. Lost when the daemon ends; the model then reads again. */
export function createFileLedger(): FileLedger {
  const files = new Map<string, SeenFile>(); // in the order they were last noted
  let textChars = 0;
  const drop = (path: string) => {
    textChars -= files.get(path)?.text?.length ?? 0;
    files.delete(path);
  };
  return {
    note(path, seen) {
      drop(path);
      files.set(path, seen);
      textChars += seen.text?.length ?? 0;
      for (const [oldest, { text, ...rest }] of files) {
        if (textChars <= TEXT_CHARS_MAX && files.size <= FILES_MAX) break;
        if (files.size > FILES_MAX) drop(oldest);
        else if (text !== undefined) {
          files.set(oldest, rest); // keeps its place in the order
          textChars -= text.length;
        }
      }
    },
    seen: (path) => files.get(path),
  };
}
