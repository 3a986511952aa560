import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sleep } from "../../async/wait.ts";
import { findDaemon, readDaemonFile } from "../../client/daemon.ts";
import { pathsHere } from "../../client/here.ts";
import { isAlive } from "../../client/process-identity.ts";
import type { Context } from "../context.ts";

const POLL_MS = 20;
const STOP_MS_MAX = 10_000;
const note =
  "--disposable: everything is allowed, protected places too, unsandboxed and without a step limit; daemon and session end with this command.";

/** Gives a run a daemon of its own, in a temporary folder with the user's configuration, and removes both afterwards. */
export async function withDisposableDaemon<T>(
  context: Context,
  run: (own: Context) => Promise<T>,
): Promise<T> {
  await context.err.line(`hearth: ${note}`);
  const home = mkdtempSync(join(tmpdir(), "hearth-disposable-"));
  try {
    const { configDir } = context.paths;
    if (existsSync(configDir)) symlinkSync(configDir, join(home, "config"));
    const env = { ...context.env, HEARTH_HOME: home };
    const { cwd, launcher, out, err } = context;
    const own: Context = { env, cwd, launcher, out, err, paths: pathsHere(env) };
    try {
      return await run(own);
    } finally {
      await stopDaemon(own).catch(() => {}); // it also ends with this process
    }
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

async function stopDaemon({ paths }: Context): Promise<void> {
  const signal = AbortSignal.timeout(STOP_MS_MAX);
  const found = await findDaemon({ paths, clientId: `disposable-${process.pid}` }, signal);
  if (found === undefined) return;
  await found.client.request("POST /v1/daemon/shutdown", { body: { grace_ms: 0 }, signal });
  found.client.close();
  const file = readDaemonFile(paths);
  while (file !== undefined && isAlive(file, process.platform)) await sleep(POLL_MS, signal);
}
