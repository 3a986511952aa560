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
/** About a million paths. Beyond this the listing is marked as incomplete. */
const BYTES_MAX = 64 * 1024 * 1024;
const END = 0;

/**
 * Lists the files below a folder in the order found. Respects .gitignore. `onPaths` gets whole paths, each ending in NUL.
 * `isWhole` is false when it took longer than `msMax` or there were too many. Throws the signal's reason when it aborts.
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
      // Lower priority, so that a prompt sent meanwhile is not slowed down.
      if (child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_BELOW_NORMAL);
    } catch {
      // it has already ended
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
    // Copied, because the chunk is a slice of a larger buffer that it would keep alive.
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
