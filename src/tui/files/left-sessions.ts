import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "../../protocol/paths.ts";
import { openSmallFile } from "./small-file.ts";

/** A session as a terminal last showed it. */
export type LeftSession = {
  session: string;
  /** The terminal, and the shell it was started from. */
  terminal: string;
  /** Work that went on then: what became of it has not been seen. */
  runs: readonly string[];
};

export type LeftSessions = {
  /** Oldest first. */
  read(): readonly LeftSession[];
  /** What this terminal shows now; written at once, for a terminal may be killed. */
  show(session: string, runs: readonly string[]): void;
};

/** As many as a person may still wonder about. */
const LEFT_MAX = 20;

/** One file a directory, for all terminals on it: whoever comes back may come from another one. */
export function openLeftSessions(
  paths: Pick<Paths, "stateDir">,
  place: { cwd: string; terminal: string },
): LeftSessions {
  const { cwd, terminal } = place;
  const name = createHash("sha256").update(realPathOf(cwd)).digest("hex").slice(0, 16);
  const file = openSmallFile(join(paths.stateDir, "left", `${name}.json`));
  const read = () => parse(file.read());
  return {
    read,
    show(session, runs) {
      const others = read().filter((left) => left.session !== session);
      file.write([...others, { session, terminal, runs }].slice(-LEFT_MAX));
    },
  };
}

/** Whichever way somebody has come to a directory, it is the same one. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // it is gone: the daemon says so
  }
}

const isText = (value: unknown): value is string => typeof value === "string";

function parse(value: unknown): LeftSession[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown): LeftSession[] => {
    if (typeof entry !== "object" || entry === null) return [];
    const { session, terminal, runs } = entry as Partial<Record<keyof LeftSession, unknown>>;
    if (!isText(session) || !isText(terminal) || !Array.isArray(runs)) return [];
    return [{ session, terminal, runs: runs.filter(isText) }];
  });
}
