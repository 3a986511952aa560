import { sleep } from "../../async/wait.ts";
import { newClientId } from "../../client/client-id.ts";
import { connect } from "../../client/connect.ts";
import {
  type Daemon,
  ensureDaemon,
  findDaemon,
  noteForcedStop,
  readDaemonFile,
} from "../../client/daemon.ts";
import { isAlive } from "../../client/process-identity.ts";
import { ttyName } from "../../client/terminal-label.ts";
import type { DaemonFile } from "../../protocol/daemon-file.ts";
import { HearthError } from "../../protocol/errors.ts";
import { plural } from "../../protocol/plural.ts";
import { BUILD } from "../../protocol/version.ts";
import { NEVER } from "../connect-here.ts";
import type { Context } from "../context.ts";
import { exitCodes } from "../exit.ts";
import { nameOf, type Parsed } from "../line/spec.ts";
import { formatElapsed } from "../output/format.ts";

/** A stopping daemon takes 5 s for its runs and 3 s for itself. */
const STOP_MS = 12_000;
const KILL_MS = 3000;
const POLL_MS = 20;

/** `hearth daemon status|start|stop|restart|logs`. */
export async function daemon(parsed: Parsed, context: Context): Promise<number> {
  switch (parsed.command.path[1]) {
    case "status":
      return status(parsed, context);
    case "start":
      return start(parsed, context);
    case "stop":
      return stop(parsed, context);
    case "restart":
      return restart(parsed, context);
    default:
      return (await import("./logs.ts")).daemonLogs(parsed, context);
  }
}

const here = ({ paths }: Context) => ({ paths, clientId: newClientId("cli") });

async function status({ options }: Parsed, context: Context): Promise<number> {
  const { out, paths } = context;
  const found = await findDaemon(here(context), NEVER);
  if (found === undefined) {
    await (options["json"] ? out.json({ running: false }) : out.line("No daemon runs."));
    return exitCodes.noDaemon;
  }
  const { health, client } = found;
  if (options["json"]) {
    await out.json(about(context, found));
    return exitCodes.done;
  }
  const up = formatElapsed(Date.now() - Date.parse(health.started_at));
  const other = health.build === BUILD ? "" : " (another build than this command)";
  await out.line(`hearth ${health.version}, pid ${health.pid}, up ${up}${other}`);
  await out.line(`${plural(health.clients, "client")}, ${plural(health.active_runs, "active run")}`);
  for (const notice of health.notices ?? []) await out.line(notice);
  await out.line(`socket ${client.socketPath}`);
  const { listen, token_file } = listening(context);
  if (listen !== undefined) await out.line(`tcp    http://${listen} (token in ${token_file})`);
  await out.line(`log    ${paths.log}`);
  return exitCodes.done;
}

const about = (context: Context, { health, client }: Pick<Daemon, "health" | "client">) => ({
  running: true,
  ...health,
  socket: client.socketPath,
  ...listening(context),
  log: context.paths.log,
  database: context.paths.database,
});

/**
 * Starts the daemon if none runs, and opens this directory with this shell's environment: a terminal on another machine
 * (`--remote`) begins with this command, and brings none of its own.
 */
async function start({ options }: Parsed, context: Context): Promise<number> {
  const { env, paths, launcher, cwd, out, err } = context;
  const how = { env, paths, launcher, clientId: newClientId("cli") };
  const connection = await connect({ ...how, cwd: cwd() }, NEVER);
  connection.close();
  if (connection.notice !== null) await err.line(`hearth: ${connection.notice}`);
  const found = await findDaemon(how, NEVER);
  if (found === undefined) throw new HearthError("daemon_unreachable", "The daemon has stopped again.");
  found.client.close();
  if (options["json"]) await out.json(about(context, found));
  else
    await out.line(`hearth ${found.health.version}, pid ${found.health.pid}, on ${found.client.socketPath}`);
  return exitCodes.done;
}

/** Where the daemon serves over TCP; nothing of it where it does not. */
function listening({ paths }: Context) {
  const { listen, token_file } = readDaemonFile(paths) ?? {};
  return { listen, token_file };
}

async function stop(parsed: Parsed, context: Context): Promise<number> {
  const { out } = context;
  const stopped = await stopRunning(parsed, context);
  if (parsed.options["json"]) await out.json({ stopped: stopped !== undefined, pid: stopped?.pid });
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
  if (parsed.options["json"]) await out.json(health);
  else await out.line(`Daemon restarted: hearth ${health.version}, pid ${health.pid}.`);
  return exitCodes.done;
}

/** Stops the running daemon and waits until its process has exited; undefined if there was none. */
async function stopRunning(parsed: Parsed, context: Context): Promise<{ pid: number } | undefined> {
  const mayKill = parsed.options["force"] === true;
  const file = readDaemonFile(context.paths);
  const live = file !== undefined && isAlive(file, process.platform) ? file : undefined;
  const answer = await askToStop(context, parsed).catch((error: unknown) => {
    if (mayKill && error instanceof HearthError && error.code === "daemon_unreachable")
      return "silence" as const;
    throw error;
  });
  if (live === undefined) return answer === undefined || answer === "silence" ? undefined : answer;
  const { pid } = live;
  if (answer !== "silence" && (await isGone(live, STOP_MS))) return { pid };
  if (!mayKill) {
    const message = `The daemon (pid ${pid}) does not stop: end it with \`hearth daemon stop --force\`.`;
    throw new HearthError("daemon_unreachable", message);
  }
  // Checked again with its start time, so the pid was not reused.
  if (isAlive(live, process.platform)) {
    if (!isRestart(parsed)) noteForcedStop(context.paths, live, nameOfAsker(parsed));
    process.kill(pid, "SIGKILL");
  }
  if (await isGone(live, KILL_MS)) return { pid };
  throw new HearthError("daemon_unreachable", `The daemon (pid ${pid}) could not be ended.`);
}

/** Asks the daemon to stop and returns its pid; undefined if none listens. Throws daemon_busy. */
async function askToStop(context: Context, parsed: Parsed): Promise<{ pid: number } | undefined> {
  const body = {
    by: nameOfAsker(parsed),
    ...(parsed.options["if-idle"] === true && { only_if_idle: true }),
    ...(isRestart(parsed) && { restart: true }),
  };
  const found = await findDaemon(here(context), NEVER);
  if (found === undefined) return undefined;
  const { client, health } = found;
  try {
    await client.request("POST /v1/daemon/shutdown", { body });
  } catch (error) {
    if (!(error instanceof HearthError) || error.code !== "daemon_stopping") throw error; // it is already stopping
  } finally {
    client.close();
  }
  return { pid: health.pid };
}

const isRestart = ({ command }: Parsed): boolean => command.path[1] === "restart";

/** Who stops the daemon, for people at attached terminals. */
function nameOfAsker({ command }: Parsed): string {
  const tty = ttyName();
  return tty === undefined ? `hearth ${nameOf(command)}` : `hearth ${nameOf(command)} on ${tty}`;
}

async function isGone(file: DaemonFile, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (isAlive(file, process.platform)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}
