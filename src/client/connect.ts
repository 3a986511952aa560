import { orAborted } from "../async/wait.ts";
import type { DaemonStop } from "../protocol/daemon-stop.ts";
import { HearthError } from "../protocol/errors.ts";
import type { RouteReply } from "../protocol/routes.ts";
import type { Workspace } from "../protocol/workspace.ts";
import { mayBeAskedTwice, withChosenId } from "./asked-twice.ts";
import type { Client, RequestArguments, RequestKey } from "./client.ts";
import { type Daemon, type EnsureOptions, ensureDaemon, readDaemonFile, untilGone } from "./daemon.ts";
import { isGone, sentenceOfStop, stopIn } from "./gone.ts";
import { environmentToSend } from "./here.ts";

export type ConnectOptions = EnsureOptions & {
  /** The directory to attach to. */
  cwd: string;
  /** Told before a wait that a person may notice, with what is waited for. */
  onWait?: ((what: string) => void) | undefined;
};

/** A workspace of a running daemon, kept through the daemon's restarts. */
export type Connection = {
  readonly workspace: Workspace;
  readonly clientId: string;
  /** What to tell a person about the daemon that was found; null when nothing. */
  readonly notice: string | null;
  /** What of the configuration is ignored in this workspace, a sentence each. */
  readonly warnings: readonly string[];
  socketPath(): string;
  /**
   * As `Client.request`; a daemon that died is started again and asked once more, one that was stopped on purpose
   * is not. What makes something does so under an id that is chosen here, once for both times; what may not be
   * carried out twice is not repeated when the first daemon may have read it.
   */
  request<K extends RequestKey>(key: K, ...args: RequestArguments<K>): Promise<RouteReply<K>>;
  /**
   * Makes sure that a daemon runs and knows this workspace and this client's environment. Where none runs and it
   * may start none it rejects.
   */
  reconnect(signal: AbortSignal, options?: { mayStart: boolean }): Promise<{ socketPath: string }>;
  /** Somebody stopped the daemon on purpose: from here on requests fail and start none … */
  hold(stop: DaemonStop): void;
  /** … until a person wants it started. */
  release(): void;
  /** What is known of a daemon that was ended by force and could not say so itself. */
  forcedStop(): DaemonStop | undefined;
  close(): void;
};

/** Finds or starts the daemon and opens the workspace of `cwd` with this client's environment. */
export async function connect(options: ConnectOptions, signal: AbortSignal): Promise<Connection> {
  let { client, workspace, notice, warnings } = await attach(options, signal);
  let reconnecting: Promise<void> | undefined;
  let stop: DaemonStop | undefined;
  /** A person wants a daemon again: what was left to say of the last one does not count any more. */
  let isReleased = false;
  const forcedStop = () => (isReleased ? undefined : readDaemonFile(options.paths)?.stopped);

  /** All who lost the daemon in the same moment wait for one restart. */
  const restart = (): Promise<void> => {
    reconnecting ??= attach(options, new AbortController().signal)
      .then(take)
      .finally(() => {
        reconnecting = undefined;
      });
    return reconnecting;
  };
  /** Nobody waits for it longer than they want to; it goes on for the others. */
  const restarted = (until: AbortSignal | undefined) =>
    until === undefined ? restart() : orAborted(restart(), until);
  const take = (again: Attached) => {
    client.close();
    ({ client, workspace, notice, warnings } = again);
    stop = undefined;
    isReleased = false;
  };
  return {
    get workspace() {
      return workspace;
    },
    get notice() {
      return notice;
    },
    get warnings() {
      return warnings;
    },
    clientId: options.clientId,
    socketPath: () => client.socketPath,
    async request(key, ...given) {
      const args = withChosenId(key, given);
      try {
        return await client.request(key, ...args);
      } catch (error) {
        if (!(error instanceof HearthError) || !isGone(error)) throw error;
        stop ??= stopIn(error) ?? forcedStop();
        if (stop !== undefined) throw stopped(stop, error);
        if (error.details["maybe_read"] === true && !mayBeAskedTwice(key)) throw unanswered(error);
        await restarted(args[0]?.signal);
        return client.request(key, ...args);
      }
    },
    async reconnect(untilSignal, { mayStart } = { mayStart: true }) {
      if (mayStart) await restarted(untilSignal);
      else take(await attach({ ...options, mayStart }, untilSignal));
      return { socketPath: client.socketPath };
    },
    hold(why) {
      stop = why;
    },
    release() {
      stop = undefined;
      isReleased = true;
    },
    forcedStop,
    close: () => client.close(),
  };
}

type Attached = {
  client: Client;
  workspace: Workspace;
  notice: string | null;
  warnings: readonly string[];
};

async function attach(options: ConnectOptions, signal: AbortSignal): Promise<Attached> {
  const env = environmentToSend(options.env, options.paths);
  const body = { path: options.cwd, client_id: options.clientId, env };
  for (;;) {
    const daemon: Daemon = await ensureDaemon(options, signal);
    try {
      const opened = await daemon.client.request("POST /v1/workspaces", { body, signal });
      // An older daemon says nothing of its configuration.
      const { workspace, warnings = [] } = opened as Partial<typeof opened> &
        Pick<typeof opened, "workspace">;
      return { client: daemon.client, workspace, notice: daemon.notice, warnings };
    } catch (error) {
      daemon.client.close();
      if (!isGone(error) || options.mayStart === false) throw error;
      // It was found in its last moments: a stopping daemon is gone within seconds.
      if (error instanceof HearthError && error.code === "daemon_stopping")
        options.onWait?.("Waits for the daemon before it to stop.");
      await untilGone(options, daemon.health.pid, signal);
    }
  }
}

const unanswered = (cause: HearthError): HearthError =>
  new HearthError(
    "daemon_unreachable",
    "The daemon ended before it answered, so it is not known whether this was done.",
    { cause, details: cause.details },
  );

const stopped = (stop: DaemonStop, cause: HearthError): HearthError =>
  new HearthError("daemon_unreachable", `${sentenceOfStop(stop)}.`, { cause, details: stop });
