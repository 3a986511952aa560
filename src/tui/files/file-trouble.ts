import { HearthError } from "../../protocol/errors.ts";

const sentences: Readonly<Record<string, string>> = {
  EEXIST: "there is a file of that name already",
  ENOENT: "there is no such folder",
  EACCES: "that is not allowed here",
  EROFS: "nothing can be written there",
  ENOSPC: "the disk is full",
  EISDIR: "that is a folder",
};

/** Why a file could not be read or written, as part of a sentence. */
export function fileTrouble(error: unknown): string {
  if (error instanceof HearthError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return sentences[code ?? ""] ?? message;
}
