import { accessSync, constants, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";

type FileAccess = { access(path: string, mode: number): void; stat(path: string): Stats };
const real: FileAccess = { access: accessSync, stat: (path) => statSync(path) };

/** Why a file cannot be written, and what to do. SQLite itself gives no reason. */
export function whyUnwritable(file: string, files: FileAccess = real): { why: string; advice: string } {
  // SQLite also writes next to the file.
  for (const path of [dirname(file), file]) {
    const code = codeOfRefusal(() => files.access(path, constants.W_OK));
    if (code === "EROFS")
      return {
        why: `${path} is on a file system that is mounted read-only`,
        advice: "Mount it for writing, or set HEARTH_HOME to a folder that can be written.",
      };
    if (code === "EACCES" || code === "EPERM")
      return {
        why: `this user may not write to ${path}${ownerOf(path, files)}`,
        advice: `Change its owner or mode (chmod u+w ${path}), or set HEARTH_HOME to a folder of your own.`,
      };
  }
  return {
    why: "it cannot be written",
    advice: "Look at its folder's file system and rights, or set HEARTH_HOME.",
  };
}

function codeOfRefusal(access: () => void): string | undefined {
  try {
    access();
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : undefined;
  }
}

function ownerOf(path: string, files: FileAccess): string {
  try {
    const { uid, mode } = files.stat(path);
    return ` (owner ${uid}, mode ${(mode & 0o7777).toString(8).padStart(4, "0")})`;
  } catch {
    return ""; // it no longer exists; the next try reports that
  }
}
