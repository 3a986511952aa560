import { createHash } from "node:crypto";
import { realpathSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "../../protocol/paths.ts";
import { openSmallFile } from "./small-file.ts";

/** A session that a terminal showed last. */
export type LeftSession = {
  session: string;
  /** Names the terminal device and the shell that hearth was started from. */
  terminal: string;
  /** Runs that were active then, whose ends have not been shown yet. */
  runs: readonly string[];
};

export type LeftSessions = {
  /** Oldest first. */
  read(): readonly LeftSession[];
  /** Records what this terminal shows now. Written at once, since a terminal may be killed. */
  show(session: string, runs: readonly string[]): void;
};

/** Entries kept for a directory. */
const LEFT_MAX = 20;

/** One file for each directory, shared by its terminals: a person may come back in another terminal. */
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

/** Resolves symbolic links, so that a directory has one file. */
function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path; // the directory is gone: the daemon reports that
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
