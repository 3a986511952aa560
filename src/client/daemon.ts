import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { backoffMs } from "../async/backoff.ts";
import { sleep } from "../async/wait.ts";
import { type DaemonFile, parseDaemonFile } from "../protocol/daemon-file.ts";
import { HearthError } from "../protocol/errors.ts";
import type { Paths } from "../protocol/paths.ts";
import type { Health } from "../protocol/routes/daemon.ts";
import { BUILD, PROTOCOL, VERSION } from "../protocol/version.ts";
import { type Client, createClient } from "./client.ts";
import { assertOwn, makeOwnFolder } from "./own-folder.ts";
import { isAlive } from "./process-identity.ts";
import { type Identity, isCompatible, relate } from "./skew.ts";
import type { StartOptions } from "./start-daemon.ts";

/** Until a daemon answers, including its recovery of a large store. */
const START_MS = 20_000;
/** A daemon that accepts a connection but does not answer for this long hangs. */
const ANSWER_MS = 5000;
const POLL = { firstMs: 10, maxMs: 200 };
/** A daemon that stops gives its runs 5 s. */
const STOP_MS = 15_000;
/** How long a terminal waits for another one that is starting the daemon. */
const START_CLAIM_MS = 5000;

export type EnsureOptions = StartOptions & {
  clientId: string;
  /** This client's identity, if it differs from the built one (tests). */
  identity?: Identity | undefined;
  /** false: use a running daemon as it is, and start none. */
  mayStart?: boolean | undefined;
  /** How long a daemon that accepted the connection may take to report its health. */
  answerMs?: number | undefined;
};

/** The options for finding a daemon. */
export type FindOptions = Pick<EnsureOptions, "paths" | "clientId" | "answerMs">;

export type Daemon = {
  client: Client;
  health: Health;
  /** A message for a person if the daemon's version differs from this client's. */
  notice: string | null;
};

/**
 * Finds the running daemon of these paths, or starts one. All terminals that call this at once get the same daemon.
 * Throws version_skew, unsafe_path, daemon_unreachable, or the error that kept the daemon from starting.
 */
export async function ensureDaemon(options: EnsureOptions, signal: AbortSignal): Promise<Daemon> {
  const deadline = AbortSignal.timeout(START_MS);
  const bounded = AbortSignal.any([signal, deadline]);
  try {
    return await ensure(options, bounded);
  } catch (error) {
    if (signal.aborted || !deadline.aborted) throw error;
    throw new HearthError(
      "daemon_unreachable",
      `No daemon answered within ${START_MS / 1000} s; the reason may be in ${options.paths.log}.`,
    );
  }
}

async function ensure(options: EnsureOptions, signal: AbortSignal): Promise<Daemon> {
  const { paths, mayStart = true } = options;
  let mayReplace = mayStart;
  for (let round = 1; ; round++) {
    const found = await findDaemon(options, signal);
    if (found !== undefined) {
      const daemon = await resolveSkew(options, found, mayReplace, signal);
      if (daemon !== undefined) return daemon;
      mayReplace = false;
      continue;
    }
    if (!mayStart) throw new HearthError("daemon_unreachable", "No daemon runs.");
    const claim = claimStart(paths);
    if (claim === undefined) {
      // Another terminal is starting it.
      await sleep(backoffMs(POLL, round), signal);
    } else {
      try {
        // Loaded only when needed: most calls find a daemon.
        const { startDaemon } = await import("./start-daemon.ts");
        const result = await startDaemon(options, signal);
        // daemon_busy: another daemon won, or the previous one is still stopping.
        if (!result.ok && result.code !== "daemon_busy") {
          const winner = await findDaemon(options, signal);
          if (winner === undefined) throw startError(result, paths);
        }
        if (!result.ok) await sleep(backoffMs(POLL, round), signal);
      } finally {
        claim.release();
      }
    }
  }
}

function startError(result: { code: string; message: string }, paths: Paths): HearthError {
  // Keeps the code of the original error; `is_start` marks that there is no daemon.
  const details = { is_start: true };
  if (result.code !== "died")
    return new HearthError(result.code as HearthError["code"], result.message, { details });
  return new HearthError(
    "daemon_unreachable",
    `The daemon could not start: ${result.message}. More in ${paths.log}.`,
  );
}

/** The daemon that answers on these paths' socket; undefined if none does. Starts nothing. */
export async function findDaemon(
  options: FindOptions,
  signal: AbortSignal,
): Promise<{ client: Client; health: Health } | undefined> {
  const { paths } = options;
  const direct = await ask(paths.socket, options, signal);
  if (direct !== undefined) return direct;
  const file = readDaemonFile(paths);
  if (file === undefined || file.socket === paths.socket || !isAlive(file, process.platform))
    return undefined;
  return ask(file.socket, options, signal);
}

/** The file that the last daemon wrote about itself; that daemon may be dead. */
export function readDaemonFile(paths: Paths): DaemonFile | undefined {
  try {
    return parseDaemonFile(readFileSync(paths.daemonFile, "utf8"));
  } catch {
    return undefined; // there was none yet
  }
}

/** Records in the daemon's file who is about to end it by force. The next daemon overwrites the file. */
export function noteForcedStop(paths: Paths, file: DaemonFile, by: string): void {
  const temporary = `${paths.daemonFile}.${process.pid}`;
  const stopped = { reason: "stop", by } as const;
  try {
    writeFileSync(temporary, `${JSON.stringify({ ...file, stopped }, null, 2)}\n`, {
      mode: 0o600,
      flag: "wx",
    });
    renameSync(temporary, paths.daemonFile);
  } catch {
    rmSync(temporary, { force: true }); // on a full disk the reason is not recorded
  }
}

async function ask(
  socketPath: string,
  { paths, clientId, answerMs = ANSWER_MS }: FindOptions,
  signal: AbortSignal,
) {
  // This client is about to send its keys, so the socket must belong to this user.
  try {
    const uid = process.getuid?.();
    assertOwn(dirname(socketPath), uid);
    assertOwn(socketPath, uid);
  } catch (error) {
    if (error instanceof HearthError) throw error;
    return undefined; // no such file
  }
  const client = createClient({ socketPath, clientId });
  const timeout = AbortSignal.timeout(answerMs);
  try {
    const health = await client.request("GET /v1/health", { signal: AbortSignal.any([signal, timeout]) });
    return { client, health };
  } catch (error) {
    client.close();
    if (timeout.aborted && !signal.aborted) throw hangs(paths);
    // Refused, or just gone: no daemon is there now.
    if (error instanceof HearthError && error.code === "daemon_unreachable") return undefined;
    throw error;
  }
}

function hangs(paths: Paths): HearthError {
  const file = readDaemonFile(paths);
  const who =
    file !== undefined && isAlive(file, process.platform) ? `The daemon (pid ${file.pid})` : "The daemon";
  return new HearthError(
    "daemon_unreachable",
    `${who} does not answer: end it with \`hearth daemon stop --force\` and try again.`,
  );
}

/** The daemon if it can be used; undefined once an older one has been stopped. Throws version_skew. */
async function resolveSkew(
  options: EnsureOptions,
  { client, health }: { client: Client; health: Health },
  mayReplace: boolean,
  signal: AbortSignal,
): Promise<Daemon | undefined> {
  const own = options.identity ?? { version: VERSION, build: BUILD, protocol: PROTOCOL };
  if (health.build === own.build) return { client, health, notice: null };
  const relation = relate(
    { ...own, builtAtMs: builtAtMs(options.launcher) },
    { ...health, startedAtMs: Date.parse(health.started_at) },
  );
  if (relation === "older" && mayReplace && health.active_runs === 0 && (await stopIfIdle(client, signal))) {
    client.close();
    await untilGone(options, health.pid, signal);
    return undefined;
  }
  const daemonName = health.version === own.version ? `another build of ${health.version}` : health.version;
  const busy = health.active_runs === 0 ? "" : ` (${countRuns(health.active_runs)} active)`;
  if (!isCompatible(health.protocol, own.protocol)) {
    client.close();
    const advice =
      relation === "newer"
        ? "update this hearth, or stop the daemon with `hearth daemon stop`"
        : "restart it with `hearth daemon restart`";
    const message = `The daemon is hearth ${daemonName}${busy}, this client is ${own.version}: ${advice}.`;
    throw new HearthError("version_skew", message, {
      details: { daemon: health.version, client: own.version },
    });
  }
  const advice = relation === "newer" ? "" : "; `hearth daemon restart` brings this one";
  return {
    client,
    health,
    notice: `The daemon is hearth ${daemonName}${busy}, this client is ${own.version}${advice}.`,
  };
}

const countRuns = (count: number) => (count === 1 ? "1 run" : `${count} runs`);

async function stopIfIdle(client: Client, signal: AbortSignal): Promise<boolean> {
  try {
    await client.request("POST /v1/daemon/shutdown", { body: { only_if_idle: true, restart: true }, signal });
    return true;
  } catch (error) {
    if (error instanceof HearthError && error.code === "daemon_busy") return false;
    // It is already stopping, or gone.
    if (error instanceof HearthError && /^daemon_/.test(error.code)) return true;
    throw error;
  }
}

/** Waits until the daemon of that pid no longer answers. Throws daemon_unreachable if it does not stop. */
export async function untilGone(options: FindOptions, pid: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + STOP_MS;
  for (let round = 1; ; round++) {
    if (Date.now() > deadline) {
      const message = `The daemon (pid ${pid}) is still stopping after ${STOP_MS / 1000} s: end it with \`hearth daemon stop --force\`.`;
      throw new HearthError("daemon_unreachable", message);
    }
    const found = await findDaemon(options, signal);
    found?.client.close();
    if (found === undefined || found.health.pid !== pid) return;
    await sleep(backoffMs(POLL, round), signal);
  }
}

/** When this build was installed; 0 if there is no build. */
function builtAtMs(launcher: string): number {
  try {
    return statSync(join(dirname(launcher), "..", "dist", "version.json")).ctimeMs;
  } catch {
    return 0; // run from its sources
  }
}

/**
 * Lets one of many terminals start the daemon while the others wait. This only avoids needless processes: the daemon's
 * own lock guarantees that there is one daemon.
 */
function claimStart(paths: Paths): { release(): void } | undefined {
  makeOwnFolder(paths.runDir);
  const path = join(paths.runDir, "daemon.starting");
  if (!tryClaim(path)) {
    if (!isStale(path)) return undefined;
    rmSync(path, { force: true });
    if (!tryClaim(path)) return undefined;
  }
  return { release: () => rmSync(path, { force: true }) };
}

function tryClaim(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: "wx", mode: 0o600 });
    return true;
  } catch (error) {
    // A full or read-only disk prevents only the claim. The daemon itself reports what that means for it.
    return (error as NodeJS.ErrnoException).code !== "EEXIST";
  }
}

/** A claim is stale when its process is gone or its time is over. */
function isStale(path: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > START_CLAIM_MS) return true;
    const pid = Number(readFileSync(path, "utf8"));
    if (!Number.isSafeInteger(pid) || pid <= 0) return false; // being written
    process.kill(pid, 0);
    return false;
  } catch {
    return true; // the file or its process is gone
  }
}
