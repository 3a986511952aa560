import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { readOwnFile } from "./read-own-file.ts";

/** A JSON file of this user's that may be missing, and that is not worth failing for. */
export type SmallFile = {
  read(): unknown;
  /** Replaces it whole; undefined removes it. */
  write(value: unknown): void;
};

/** What a full or read-only disk costs here is a convenience: the draft after a crash, the clean-up after a kill. */
export function openSmallFile(path: string): SmallFile {
  return {
    read() {
      try {
        return JSON.parse(readOwnFile(path));
      } catch {
        return undefined; // none, or cut short
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
        // See above.
      }
    },
  };
}
