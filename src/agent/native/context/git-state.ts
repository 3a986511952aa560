import type { BigIntStats } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ignoreError, inBackground } from "../../../async/in-background.ts";
import { settlesWithin } from "../../../async/wait.ts";
import { createBoundedMap } from "../../bounded-map.ts";
import type { ProcessSupervisor } from "../../process/types.ts";

const STATUS_LINES_MAX = 20;
const COMMITS_MAX = 5;
const LINE_CHARS_MAX = 200;
const OUTPUT_BYTES_MAX = 64 * 1024;

export type GitState = {
  branch: string;
  status: readonly string[];
  more: number;
  commits: readonly string[];
};

/** The folder in which git runs, and its environment. */
export type GitPlace = { root: string; env: Readonly<Record<string, string>> };

/** Names of files and commits come from others: no control characters, no endless lines. */
const clean = (line: string): string =>
  line.replace(/[\u0000-\u001f\u007f-\u009f]/g, " ").slice(0, LINE_CHARS_MAX);

type GitSettings = readonly (readonly [name: string, value: string])[];

/** Git must not run programs named by the repository, nor fetch missing objects. */
const safeSettings: GitSettings = [
  ["core.fsmonitor", "false"],
  ["core.hooksPath", "/dev/null"],
];

/** Settings that override the repository's. As arguments, a name containing "=" would be read as another name. */
const settingsEnvironment = (settings: GitSettings): Record<string, string> =>
  Object.fromEntries([
    ["GIT_CONFIG_COUNT", String(settings.length)],
    ...settings.flatMap(([name, value], at) => [
      [`GIT_CONFIG_KEY_${at}`, name],
      [`GIT_CONFIG_VALUE_${at}`, value],
    ]),
  ]);

/** Runs git and returns its output; undefined if it fails. Bounded in bytes, ended by `signal`. */
async function runGit(
  args: readonly string[],
  settings: GitSettings,
  at: GitPlace & { owner: string; processes: ProcessSupervisor },
  signal: AbortSignal,
): Promise<string | undefined> {
  if (signal.aborted) return undefined;
  const child = await at.processes.spawn({
    command: ["git", "--no-pager", ...args],
    cwd: at.root,
    env: {
      ...at.env,
      ...settingsEnvironment([...safeSettings, ...settings]),
      GIT_ALLOW_PROTOCOL: "none",
      GIT_NO_LAZY_FETCH: "1",
      GIT_OPTIONAL_LOCKS: "0",
      GIT_TERMINAL_PROMPT: "0",
      LC_ALL: "C",
    },
    owner: at.owner,
  });
  const stop = () => inBackground(child.stop, ignoreError);
  signal.addEventListener("abort", stop, { once: true });
  try {
    child.stdin.end();
    child.stderr.resume();
    let output = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      if (output.length < OUTPUT_BYTES_MAX) output += text;
    });
    const [exit] = await Promise.all([
      child.exited,
      new Promise((resolve) => child.stdout.once("close", resolve)),
    ]);
    return exit.code === 0 ? output : undefined;
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

/**
 * Branch, short status and last commits; undefined outside a repository or without git. No program named by the
 * repository is run: hooks and fsmonitor are off, and all content filters are emptied.
 */
export async function readGit(
  at: GitPlace & { owner: string; processes: ProcessSupervisor },
  signal: AbortSignal,
): Promise<GitState | undefined> {
  try {
    const filters = await runGit(
      ["config", "-z", "--name-only", "--get-regexp", "^filter\\..*\\.(clean|process|required)$"],
      [],
      at,
      signal,
    );
    // With a truncated list of filters, some could not be turned off.
    if ((filters ?? "").length >= OUTPUT_BYTES_MAX) return undefined;
    const off = [...new Set((filters ?? "").split("\0").filter(Boolean))].map(
      (name) => [name, name.endsWith(".required") ? "false" : ""] as const,
    );
    const [status, log] = await Promise.all([
      runGit(["status", "--porcelain=v1", "--branch", "--ignore-submodules=all"], off, at, signal),
      runGit(["log", `-${COMMITS_MAX}`, "--format=%s", "--no-show-signature"], [], at, signal),
    ]);
    if (status === undefined) return undefined;
    const [head = "", ...changes] = status.split("\n").filter(Boolean).map(clean);
    return {
      branch: head.replace(/^## /, ""),
      status: changes.slice(0, STATUS_LINES_MAX),
      more: Math.max(0, changes.length - STATUS_LINES_MAX),
      commits: (log ?? "").split("\n").filter(Boolean).map(clean),
    };
  } catch {
    return undefined; // no git on this machine
  }
}

/** The longest wait of the first answer for a slow repository; then its state is left out. */
const WAIT_MS_MAX = 400;
/** The wait when an earlier state is known, which is then used instead. */
const WAIT_MS_WITH_KNOWN = 15;
const KNOWN_MS_MAX = 10 * 60_000;
/**
 * A state this recent is used as it is if git has changed nothing since: starting git blocks the daemon, and the first
 * request, for 10 ms.
 */
const FRESH_MS = 60_000;
/** A hanging git (a dead network share) is killed after this. */
const GIT_MS_MAX = 10_000;
const ROOTS_MAX = 32;

/** Changes when git commits, stages or switches branch; "" outside a repository, null if .git is a file. */
async function stampOf(root: string): Promise<string | null> {
  try {
    for (let folder = root; ; folder = dirname(folder)) {
      const git = join(folder, ".git");
      if ((await statIfPresent(git)) !== undefined) {
        const stats = await Promise.all(
          ["HEAD", "index", "logs/HEAD"].map((name) => statIfPresent(join(git, name))),
        );
        return stats.map((found) => (found ? `${found.ino}:${found.mtimeNs}` : "")).join(" ");
      }
      if (folder === dirname(folder)) return "";
    }
  } catch {
    return null; // a worktree's .git is a file: only git can tell
  }
}

async function statIfPresent(path: string): Promise<BigIntStats | undefined> {
  try {
    return await stat(path, { bigint: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

type Known = { at: number; stamp: string | null; state: GitState | undefined };

/** Reads a repository's state before the first prompt: git takes tens of milliseconds. */
export function createGitReader(processes: ProcessSupervisor, now: () => number, waitMsMax = WAIT_MS_MAX) {
  const known = createBoundedMap<string, Known>(ROOTS_MAX);

  async function read({ root, env }: GitPlace, owner: string, signal: AbortSignal) {
    const stamp = await stampOf(root);
    const last = known.get(root);
    const isFresh =
      last !== undefined && now() - last.at < FRESH_MS && stamp !== null && stamp === last.stamp;
    if (isFresh) return last.state;
    const ended = AbortSignal.any([signal, AbortSignal.timeout(GIT_MS_MAX)]);
    const state = await readGit({ root, env, owner, processes }, ended);
    known.set(root, { at: now(), stamp, state });
    return state;
  }

  return {
    /** Starts reading. The returned function waits briefly and returns what is known by then. */
    begin(place: GitPlace, owner: string, signal: AbortSignal) {
      const reading = read(place, owner, signal);
      return async (): Promise<GitState | undefined> => {
        const before = known.get(place.root);
        const isKnown = before !== undefined && now() - before.at < KNOWN_MS_MAX;
        if (await settlesWithin(reading, isKnown ? WAIT_MS_WITH_KNOWN : waitMsMax)) return reading;
        return isKnown ? before.state : undefined;
      };
    },
  };
}
export type GitReader = ReturnType<typeof createGitReader>;
