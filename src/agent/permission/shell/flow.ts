import { isAbsolute, join, normalize } from "node:path";
import type { ShellWord } from "./words.ts";

/** What holds at one point of a script. */
export type Flow = {
  /** The folders that it may be in; undefined where that cannot be told. */
  cwds: readonly string[] | undefined;
  /** Variables that have been assigned on every way to here; functions that were defined as `name()`. */
  assigned: ReadonlySet<string>;
};

/** How a command leaves things: after success, and after failure. Undefined: it does not come back that way. */
export type Ends = { ok: Flow | undefined; fail: Flow | undefined };

const FOLDERS_MAX = 8;
/** Keeping track of more variables than this is not worth its time. */
const ASSIGNED_MAX = 200;

export const both = (flow: Flow): Ends => ({ ok: flow, fail: flow });

/** After one or the other. */
export const either = (a: Ends, b: Ends): Ends => ({ ok: merge(a.ok, b.ok), fail: merge(a.fail, b.fail) });

/** However it ended; where it never comes back, things are taken to be as they were. */
export const after = (ends: Ends, entry: Flow): Flow => merge(ends.ok, ends.fail) ?? entry;

export function merge(a: Flow | undefined, b: Flow | undefined): Flow | undefined {
  if (a === undefined || b === undefined || a === b) return a ?? b;
  const cwds = a.cwds && b.cwds && [...new Set([...a.cwds, ...b.cwds])];
  return {
    cwds: cwds !== undefined && cwds.length <= FOLDERS_MAX ? cwds : undefined,
    assigned: a.assigned === b.assigned ? a.assigned : a.assigned.intersection(b.assigned),
  };
}

export function assign(flow: Flow, names: readonly string[]): Flow {
  const fresh = names.filter((name) => !flow.assigned.has(name));
  if (fresh.length === 0 || flow.assigned.size > ASSIGNED_MAX) return flow;
  return { ...flow, assigned: new Set([...flow.assigned, ...fresh]) };
}

/** The folders that `cd` with these arguments leads to when it succeeds. */
export function foldersAfterCd(
  args: readonly ShellWord[],
  flow: Flow,
  home: string | undefined,
): readonly string[] | undefined {
  if (args.some((word) => word.pieces.some((piece) => piece.kind !== "text"))) return undefined;
  const texts = args.map((word) => word.text);
  const operands = /^(-[LPe@]+|--)$/.test(texts[0] ?? "") ? texts.slice(1) : texts;
  const to = operands.length === 0 ? home : operands[0];
  if (operands.length > 1 || to === undefined || to.startsWith("-")) return undefined;
  if (to === "") return flow.cwds;
  // As written: the shell keeps the names of links, and what they make of it the file system tells later.
  return isAbsolute(to) ? [normalize(to)] : flow.cwds?.map((folder) => join(folder, to));
}
