import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { backoffMs } from "../async/backoff.ts";
import { sleep } from "../async/wait.ts";
import { type DaemonFile, parseDaemonFile } from "../protocol/daemon-file.ts";
import { HearthError } from "../protocol/errors.ts";
import type { Paths } from "../protocol/paths.ts";
import type { Health } from "../protocol/routes.ts";
import { BUILD, PROTOCOL, VERSION } from "../protocol/version.ts";
import { type Client, createClient } from "./client.ts";
import { assertOwn, makeOwnFolder } from "./own-folder.ts";
import { isAlive } from "./process-identity.ts";
import { type Identity, isCompatible, relate } from "./skew.ts";
import type { StartOptions } from "./start-daemon.ts";

/** From the first look to a daemon that answers; its own recovery of a large store included. */
const START_MS = 20_000;
/** A daemon that accepts a connection and says nothing for so long hangs. */
const ANSWER_MS = 5000;
const POLL = { firstMs: 10, maxMs: 200 };
/** A daemon that stops gives its runs 5 s. */
const STOP_MS = 15_000;
/** How long one terminal leaves the start to another that began it before. */
const START_CLAIM_MS = 5000;

export type EnsureOptions = StartOptions & {
  clientId: string;
  /** This client, where it is not the hearth it was built as. */
  identity?: Identity | undefined;
  /** False: a daemon that runs is used as it is, and none is started. */
  mayStart?: boolean | undefined;
  /** How long a daemon that accepted the connection may take to say that it is well. */
  answerMs?: number | undefined;
};

/** What it takes to look for a daemon. */
export type FindOptions = Pick<EnsureOptions, "paths" | "clientId" | "answerMs">;

export type Daemon = {
  client: Client;
  health: Health;
  /** What a person should know about the daemon they got: another version than this client's. */
  notice: string | null;
};

/**
 * The daemon of these paths: the one that runs, or one started now. However many terminals call this at once, all
 * end up with the same. Throws version_skew, unsafe_path, daemon_unreachable, or what the daemon died of.
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
      const daemon = await settleSkew(options, found, mayReplace, signal);
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
        // Loaded here alone: most calls find a daemon.
        const { startDaemon } = await import("./start-daemon.ts");
        const result = await startDaemon(options, signal);
        // A daemon that lost against another says so, as does one whose predecessor is still stopping.
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
  // What kept it from starting keeps its code; that there is no daemon is true whatever it was.
  const details = { is_start: true };
  if (result.code !== "died")
    return new HearthError(result.code as HearthError["code"], result.message, { details });
  return new HearthError(
    "daemon_unreachable",
    `The daemon could not start: ${result.message}. More in ${paths.log}.`,
  );
}

/** Whoever listens on these paths' socket and answers; undefined when nobody does. Starts nothing. */
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

/** What the last daemon wrote about itself; it may be long dead. */
export function readDaemonFile(paths: Paths): DaemonFile | undefined {
  try {
    return parseDaemonFile(readFileSync(paths.daemonFile, "utf8"));
  } catch {
    return undefined; // there was none yet
  }
}

/** Says in a daemon's file, before it is ended by force, who wanted that: the next daemon writes its own. */
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
    rmSync(temporary, { force: true }); // on a full disk it is ended without a word
  }
}

async function ask(
  socketPath: string,
  { paths, clientId, answerMs = ANSWER_MS }: FindOptions,
  signal: AbortSignal,
) {
  // This client is about to send its keys: the socket must be of this user's own making.
  try {
    const uid = process.getuid?.();
    assertOwn(dirname(socketPath), uid);
    assertOwn(socketPath, uid);
  } catch (error) {
    if (error instanceof HearthError) throw error;
    return undefined; // no such file
  }
  const client = createClient({ socketPath, clientId });
  const patience = AbortSignal.timeout(answerMs);
  try {
    const health = await client.request("GET /v1/health", { signal: AbortSignal.any([signal, patience]) });
    return { client, health };
  } catch (error) {
    client.close();
    if (patience.aborted && !signal.aborted) throw hangs(paths);
    // Refused, or gone in this very moment: in both cases nobody is there now.
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

/** The daemon if it may be used, undefined once an older one has been asked to go; throws version_skew. */
async function settleSkew(
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
    // It is already stopping, or has just gone.
    if (error instanceof HearthError && /^daemon_/.test(error.code)) return true;
    throw error;
  }
}

/** Waits until the daemon of that pid no longer answers. Throws daemon_unreachable for one that does not go. */
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

/** When this build was put where it is; 0 where nothing was built. */
function builtAtMs(launcher: string): number {
  try {
    return statSync(join(dirname(launcher), "..", "dist", "version.json")).ctimeMs;
  } catch {
    return 0; // run from its sources
  }
}

/**
 * One terminal of many starts the daemon while the others look out for it. Only spares a crowd of processes:
 * that there is one daemon is the daemon's own lock.
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
    // A full or read-only disk spoils only the claim; what it means for the daemon the daemon will say.
    return (error as NodeJS.ErrnoException).code !== "EEXIST";
  }
}

/** A claim is over when its process is gone or has had its time. */
function isStale(path: string): boolean {
  try {
    if (Date.now() - statSync(path).mtimeMs > START_CLAIM_MS) return true;
    const pid = Number(readFileSync(path, "utf8"));
    if (!Number.isSafeInteger(pid) || pid <= 0) return false; // being written
    process.kill(pid, 0);
    return false;
  } catch {
    return true; // gone meanwhile, or its process is
  }
}
