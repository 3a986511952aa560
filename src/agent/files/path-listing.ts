import { spawn } from "node:child_process";
import { constants, setPriority } from "node:os";
import { HearthError } from "../../protocol/errors.ts";

const args = [
  "--no-config",
  "--no-messages",
  "--null",
  "--files",
  "--hidden",
  "--glob=!.git",
  "--no-require-git",
  ".",
];
/** Paths of a million files. Whoever has more is told that not all were looked at. */
const BYTES_MAX = 64 * 1024 * 1024;
const END = 0;

/**
 * Lists the files below a folder, .gitignore respected, in the order in which they are found. `onPaths` is given
 * whole paths, each ended by NUL. Resolves with whether that was all: false where it took longer than `msMax`, or
 * there are too many. Throws the signal's reason when it aborts.
 */
export async function listPaths(
  root: string,
  msMax: number,
  onPaths: (chunk: Uint8Array) => void,
  signal: AbortSignal,
): Promise<{ isWhole: boolean }> {
  const { rgPath } = await import("@vscode/ripgrep");
  signal.throwIfAborted();
  const child = spawn(rgPath, args, { cwd: root, env: {}, stdio: ["ignore", "pipe", "ignore"] });
  const stop = () => void child.kill("SIGKILL");
  const ended = Promise.withResolvers<boolean>();
  child.on("error", ended.reject);
  child.on("close", (_, killedBy) => ended.resolve(killedBy === null));
  child.on("spawn", () => {
    try {
      // A prompt that is sent meanwhile goes first.
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // it has ended already
    }
  });
  const timer = setTimeout(stop, msMax);
  signal.addEventListener("abort", stop, { once: true });
  let bytes = 0;
  let rest: Buffer = Buffer.alloc(0);
  child.stdout.on("data", (chunk: Buffer) => {
    if (signal.aborted || bytes > BYTES_MAX) return;
    const all = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const cut = all.lastIndexOf(END) + 1;
    rest = all.subarray(cut);
    bytes += cut;
    // Copied: what Node reads into is a piece of a larger buffer, which it would keep alive.
    if (cut > 0) onPaths(Uint8Array.from(all.subarray(0, cut)));
    if (bytes > BYTES_MAX) stop();
  });
  try {
    const isWhole = await ended.promise;
    signal.throwIfAborted();
    return { isWhole };
  } catch (cause) {
    signal.throwIfAborted();
    throw new HearthError("internal", "The files of this workspace cannot be listed: ripgrep does not run.", {
      cause,
    });
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    stop();
  }
}
