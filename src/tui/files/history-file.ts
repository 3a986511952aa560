import { appendFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Paths } from "../../protocol/paths.ts";
import { HISTORY_MAX } from "../editor/history.ts";
import { readOwnFile } from "./read-own-file.ts";

/** Longer prompts are not saved here: the daemon has them. */
const ENTRY_CHARS_MAX = 20_000;

/** The user's prompt history, shared by all terminals. */
export type HistoryFile = {
  load(): string[];
  /** Several terminals may append at the same time. */
  append(text: string): void;
};

/** One JSON string a line, oldest first. A line that cannot be read is skipped. */
export function openHistoryFile(paths: Pick<Paths, "stateDir">): HistoryFile {
  const path = join(paths.stateDir, "prompts.jsonl");
  return {
    load() {
      const lines = readLines(path);
      const entries = new Set<string>();
      for (const line of lines) {
        const entry = parseEntry(line);
        if (entry === undefined) continue;
        entries.delete(entry); // a repeated entry becomes the newest
        entries.add(entry);
      }
      const kept = [...entries].slice(-HISTORY_MAX);
      // The file is shortened only when it holds twice as many entries as are kept.
      if (lines.length > 2 * HISTORY_MAX) rewrite(path, kept);
      return kept;
    },
    append(text) {
      if (text.trim() === "" || text.length > ENTRY_CHARS_MAX) return;
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        appendFileSync(path, `${JSON.stringify(text)}\n`, { mode: 0o600 });
      } catch {
        // The disk is full or read-only: only the history is lost.
      }
    },
  };
}

function readLines(path: string): string[] {
  try {
    return readOwnFile(path)
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return []; // none yet, or unreadable
  }
}

function parseEntry(line: string): string | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined; // a line cut short by a crash
  }
}

function rewrite(path: string, entries: readonly string[]): void {
  const temporary = `${path}.${process.pid}`;
  try {
    writeFileSync(temporary, entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""), { mode: 0o600 });
    renameSync(temporary, path);
  } catch {
    // The next start tries again.
  }
}
