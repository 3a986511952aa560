import { setTimeout as sleep } from "node:timers/promises";
import { newClientId } from "../client/client.ts";
import { ensureDaemon, findDaemon, readDaemonFile } from "../client/daemon.ts";
import { isAlive } from "../client/process-identity.ts";
import type { DaemonFile } from "../protocol/daemon-file.ts";
import { HearthError } from "../protocol/errors.ts";
import type { Health } from "../protocol/routes.ts";
import { BUILD } from "../protocol/version.ts";
import type { Context } from "./context.ts";
import { exitCodes } from "./exit.ts";
import { formatElapsed, plural } from "./format.ts";
import type { Parsed } from "./table.ts";

/** A stopping daemon gives its runs 5 s and itself 3 more. */
const STOP_MS = 12_000;
const KILL_MS = 3000;
const POLL_MS = 20;
const NEVER = new AbortController().signal;

/** `hearth daemon status|stop|restart|logs`. */
export async function daemon(parsed: Parsed, context: Context): Promise<number> {
  switch (parsed.command.path[1]) {
    case "status":
      return status(parsed, context);
    case "stop":
      return stop(parsed, context);
    case "restart":
      return restart(parsed, context);
    default:
      return (await import("./daemon-logs.ts")).daemonLogs(parsed, context);
  }
}

const here = ({ paths }: Context) => ({ paths, clientId: newClientId("cli") });

async function status({ options }: Parsed, context: Context): Promise<number> {
  const { out, paths } = context;
  const found = await findDaemon(here(context), NEVER);
  if (found === undefined) {
    await (options["json"] ? out.line(JSON.stringify({ running: false })) : out.line("No daemon runs."));
    return exitCodes.noDaemon;
  }
  const { health, client } = found;
  if (options["json"]) {
    const about = {
      running: true,
      ...health,
      socket: client.socketPath,
      log: paths.log,
      database: paths.database,
    };
    await out.line(JSON.stringify(about));
    return exitCodes.done;
  }
  const up = formatElapsed(Date.now() - Date.parse(health.started_at));
  const other = health.build === BUILD ? "" : " (another build than this command)";
  await out.line(`hearth ${health.version}, pid ${health.pid}, up ${up}${other}`);
  await out.line(`${plural(health.clients, "client")}, ${plural(health.active_runs, "active run")}`);
  for (const notice of health.notices ?? []) await out.line(notice);
  await out.line(`socket ${client.socketPath}`);
  await out.line(`log    ${paths.log}`);
  return exitCodes.done;
}

async function stop(parsed: Parsed, context: Context): Promise<number> {
  const { out } = context;
  const stopped = await stopRunning(parsed, context);
  if (parsed.options["json"])
    await out.line(JSON.stringify({ stopped: stopped !== undefined, pid: stopped?.pid }));
  else await out.line(stopped === undefined ? "No daemon runs." : `Stopped the daemon (pid ${stopped.pid}).`);
  return exitCodes.done;
}

async function restart(parsed: Parsed, context: Context): Promise<number> {
  const { env, paths, launcher, out, err } = context;
  await stopRunning(parsed, context);
  const { health, notice } = await ensureDaemon(
    { env, paths, launcher, clientId: newClientId("cli") },
    NEVER,
  );
  if (notice !== null) await err.line(`hearth: ${notice}`);
  if (parsed.options["json"]) await out.line(JSON.stringify(health));
  else await out.line(`The daemon runs again: hearth ${health.version}, pid ${health.pid}.`);
  return exitCodes.done;
}

/** Stops whichever daemon runs here and waits until its process is gone; undefined when there was none. */
async function stopRunning({ options }: Parsed, context: Context): Promise<{ pid: number } | undefined> {
  const { paths } = context;
  const file = readDaemonFile(paths);
  const mayKill = options["force"] === true;
  let health: Health | undefined;
  try {
    const found = await findDaemon(here(context), NEVER);
    health = found?.health;
    const body = options["if-idle"] === true ? { only_if_idle: true } : {};
    await found?.client.request("POST /v1/daemon/shutdown", { body });
    found?.client.close();
  } catch (error) {
    if (!(error instanceof HearthError) || error.code === "daemon_busy") throw error;
    if (error.code !== "daemon_stopping" && !mayKill) throw error;
  }
  const process = file !== undefined && isAlive(file, globalThis.process.platform) ? file : undefined;
  if (health === undefined && process === undefined) return undefined;
  if (process === undefined) return { pid: health?.pid ?? 0 };
  const isAnswering = health !== undefined;
  if (isAnswering && (await isGone(process, STOP_MS))) return { pid: process.pid };
  if (!isAnswering && !mayKill && (await isGone(process, STOP_MS))) return { pid: process.pid };
  if (!mayKill) {
    throw new HearthError(
      "daemon_unreachable",
      `The daemon (pid ${process.pid}) does not stop: end it with \`hearth daemon stop --force\`.`,
    );
  }
  // Its pid was compared with its start time just now: this is no other process that got the number since.
  globalThis.process.kill(process.pid, "SIGKILL");
  if (await isGone(process, KILL_MS)) return { pid: process.pid };
  throw new HearthError("daemon_unreachable", `The daemon (pid ${process.pid}) could not be ended.`);
}

async function isGone(file: DaemonFile, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (isAlive(file, process.platform)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}
