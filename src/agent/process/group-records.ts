import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { bootId, readProcess } from "./process-table.ts";

/** The group of one child, as told to the next daemon. */
const RecordedGroup = z.object({
  /** Of the child that leads the group. */
  pid: z.int().positive(),
  /** Of that child, in clock ticks since boot; null where there is no /proc. */
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
  /** The file goes with it. */
  close(): void;
};

/** What a daemon left behind. */
export type LeftRecords = z.infer<typeof Header> & {
  file: string;
  groups: RecordedGroup[];
  isOwnerAlive: boolean;
};

const filePattern = /^children-[0-9a-f]+\.jsonl$/;
/** Rewritten when so many lines were appended. */
const LINES_MAX = 2000;

/**
 * Keeps `children-ID.jsonl` in `dir` true: a header, then a line for each group that began or ended. A line is
 * written before `add` returns, and not synced: it has to outlive the daemon, not the machine.
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
      // A full disk or a folder that went away: the guardian still ends what this file would have named.
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

/** What every supervisor that used `dir` left there, living ones included. Unreadable files are left out. */
export function readLeftRecords(dir: string): LeftRecords[] {
  return namesIn(dir).flatMap((name) => {
    const left = readRecords(join(dir, name));
    return left === undefined ? [] : [left];
  });
}

function readRecords(file: string): LeftRecords | undefined {
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

/** Lines that are no JSON (the last one, half-written) are left out. */
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
