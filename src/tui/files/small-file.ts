import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { readOwnFile } from "./read-own-file.ts";

/** A small JSON file that may be missing. Errors are ignored. */
export type SmallFile = {
  read(): unknown;
  /** Replaces the file; undefined removes it. */
  write(value: unknown): void;
};

/** On a full or read-only disk only a convenience is lost: the draft after a crash, the clean-up after a kill. */
export function openSmallFile(path: string): SmallFile {
  return {
    read() {
      try {
        return JSON.parse(readOwnFile(path));
      } catch {
        return undefined; // missing or incomplete
      }
    },
    write(value) {
      try {
        if (value === undefined) {
          rmSync(path, { force: true });
          return;
        }
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        const temporary = `${path}.${process.pid}`;
        writeFileSync(temporary, JSON.stringify(value), { mode: 0o600 });
        renameSync(temporary, path);
      } catch {
        // A full or read-only disk, see above.
      }
    },
  };
}
