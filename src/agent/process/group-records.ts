import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { bootId, readProcess } from "./process-table.ts";

/** A child's group, recorded for the next daemon. */
const RecordedGroup = z.object({
  /** The child that leads the group. */
  pid: z.int().positive(),
  /** The child's start, in clock ticks since boot; null without /proc. */
  start_ticks: z.string().nullable(),
  /** Wall clock, ms. */
  spawned_at: z.number(),
  owner: z.string(),
});
export type RecordedGroup = z.infer<typeof RecordedGroup>;

const Header = z.object({
  mark: z.string(),
  daemon_pid: z.int().positive(),
  daemon_start_ticks: z.string().nullable(),
  boot: z.string(),
});
const Gone = z.object({ gone: z.int() });

export type GroupRecords = {
  add(group: RecordedGroup): void;
  remove(pid: number): void;
  /** Also deletes the file. */
  close(): void;
};

/** The records that one daemon wrote. */
export type StoredRecords = z.infer<typeof Header> & {
  file: string;
  groups: RecordedGroup[];
  isOwnerAlive: boolean;
};

const filePattern = /^children-[0-9a-f]+\.jsonl$/;
/** The file is rewritten after this many lines. */
const LINES_MAX = 2000;

/**
 * Keeps `children-ID.jsonl` in `dir` current: a header, then a line for each group that began or ended. A line is
 * written before `add` returns. It is not synced: it must survive a crash of the daemon, not of the machine.
 */
export function createGroupRecords(dir: string, id: string, mark: string): GroupRecords {
  const file = join(dir, `children-${id}.jsonl`);
  const groups = new Map<number, RecordedGroup>();
  let handle: number | undefined;
  let lines = 0;

  const rewrite = () => {
    if (handle !== undefined) closeSync(handle);
    handle = undefined;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    handle = openSync(file, "w", 0o600);
    const header: z.infer<typeof Header> = {
      mark,
      daemon_pid: process.pid,
      daemon_start_ticks: readProcess(process.pid)?.startTicks ?? null,
      boot: bootId(),
    };
    lines = 0;
    append(header);
    for (const group of groups.values()) append(group);
  };
  const append = (value: unknown) => {
    if (handle === undefined || lines >= LINES_MAX + groups.size) return rewrite();
    writeSync(handle, `${JSON.stringify(value)}\n`);
    lines++;
  };
  const tryAppend = (value: unknown) => {
    try {
      append(value);
    } catch {
      // A full disk or a deleted folder: the guardian still ends these groups.
    }
  };
  return {
    add(group) {
      groups.set(group.pid, group);
      tryAppend(group);
    },
    remove(pid) {
      if (groups.delete(pid)) tryAppend({ gone: pid });
    },
    close() {
      if (handle !== undefined) closeSync(handle);
      handle = undefined;
      rmSync(file, { force: true });
    },
  };
}

/** The records of all supervisors in `dir`, running ones included. Invalid files are skipped. */
export function readStoredRecords(dir: string): StoredRecords[] {
  return namesIn(dir).flatMap((name) => {
    const left = readRecords(join(dir, name));
    return left === undefined ? [] : [left];
  });
}

function readRecords(file: string): StoredRecords | undefined {
  const [first, ...rest] = parseLines(readFileSync(file, "utf8"));
  const header = Header.safeParse(first);
  if (!header.success) return undefined;
  const groups = new Map<number, RecordedGroup>();
  for (const line of rest) {
    const group = RecordedGroup.safeParse(line);
    const gone = Gone.safeParse(line);
    if (group.success) groups.set(group.data.pid, group.data);
    else if (gone.success) groups.delete(gone.data.gone);
  }
  return { ...header.data, file, groups: [...groups.values()], isOwnerAlive: isDaemonAlive(header.data) };
}

function isDaemonAlive(header: z.infer<typeof Header>): boolean {
  if (header.boot !== bootId()) return false;
  if (header.daemon_start_ticks !== null)
    return readProcess(header.daemon_pid)?.startTicks === header.daemon_start_ticks;
  return header.daemon_pid === process.pid; // macOS: only one daemon at a time holds the lock on this folder
}

/** Skips lines that are not JSON (the last one may be incomplete). */
function parseLines(text: string): unknown[] {
  return text.split("\n").flatMap((line): unknown[] => {
    try {
      return [JSON.parse(line)];
    } catch {
      return [];
    }
  });
}

function namesIn(dir: string): string[] {
  try {
    return readdirSync(dir).filter((name) => filePattern.test(name));
  } catch {
    return []; // no daemon was here before
  }
}
