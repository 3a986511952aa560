import { request as httpRequest, type IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { backoffMs } from "../async/backoff.ts";
import { pause } from "../async/wait.ts";
import { type DaemonStop, parseStopComment } from "../protocol/daemon-stop.ts";
import { HearthError } from "../protocol/errors.ts";
import type { HearthEvent } from "../protocol/events.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { ClientKind } from "../protocol/workspace.ts";
import { addressOf, errorOfReply, isBacklogFull, onSocket, unreachable } from "./client.ts";
import { isGone, stopIn } from "./gone.ts";

/** Half of the delay is random, so that a hundred terminals do not reconnect at the same moment. */
const RETRY = { firstMs: 50, maxMs: 2000, jitter: { below: 0.5, above: 0 } };
/** Attempts for a first connection while the socket's backlog is full, or the daemon is stopping. */
const FIRST_TRIES_MAX = 5;
/** How often a stream checks whether somebody has restarted a daemon that was stopped on purpose. */
const STOPPED_CHECK_MS = 2000;
/** The largest event is one message; a larger one is not from hearth. */
const EVENT_CHARS_MAX = 128 * 1024 * 1024;

export type StreamState =
  | { state: "connected"; attempt: number }
  | { state: "lost"; error: HearthError }
  | { state: "retrying"; attempt: number; inMs: number; error: HearthError }
  /** Somebody stopped the daemon on purpose. Only `retryNow` starts it again; `isStarting` is true then. */
  | { state: "stopped"; stop: DaemonStop; isStarting: boolean };

/** Why a stream has ended for good. */
export type StreamEnd =
  | { reason: "workspace_closed" }
  | { reason: "aborted" }
  /** Retrying cannot help: another version, or the workspace is gone. */
  | { reason: "failed"; error: HearthError };

export type OpenEventsOptions = {
  socketPath: string;
  workspaceId: WorkspaceId;
  clientId: string;
  kind: ClientKind;
  /** For people: a tty, a host. */
  label?: string | undefined;
  /** The session that this client shows, for other clients; called at each connection. */
  sessionId?: (() => SessionId | null) | undefined;
  /** Start after this seq; without it, start with new events. */
  since?: number | undefined;
  /**
   * Gets each event after `since` once, in order. `resync` means that the caller must take a snapshot. Reading pauses
   * while a returned promise is pending. Must not throw. A newer daemon may send unknown types.
   */
  onEvent(event: HearthEvent): void | Promise<void>;
  onState?: ((state: StreamState) => void) | undefined;
  stoppedCheckMs?: number | undefined;
  /**
   * Called before each reconnection: makes sure that a daemon runs and knows this client's environment, and returns its
   * socket. Without `mayStart` it rejects if no daemon runs.
   */
  prepare(signal: AbortSignal, options: { mayStart: boolean }): Promise<{ socketPath: string }>;
  /** Called after an unexplained loss: returns who ended the daemon by force, if somebody did. */
  forcedStop?: (() => DaemonStop | undefined) | undefined;
};

export type EventStream = {
  /** Resolves when the daemon has attached this client; later events arrive. Rejects with HearthError. */
  opened: Promise<void>;
  /** Never rejects. */
  ended: Promise<StreamEnd>;
  /** Ends the wait between two attempts, and starts a daemon that was stopped on purpose. */
  retryNow(): void;
  /** The last seq received; undefined before the first event of a stream without `since`. */
  lastSeq(): number | undefined;
};

/** Attaches to a workspace, and reconnects after every loss until the workspace closes or `signal` aborts. */
export function openEvents(options: OpenEventsOptions, signal: AbortSignal): EventStream {
  const { onEvent, onState = () => {}, stoppedCheckMs = STOPPED_CHECK_MS } = options;
  const retry = createRetryTimer(signal);
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => {}); // `ended` reports it, too; a caller may await only one of them
  let last = options.since;
  let wasOpened = false;
  let isClosing = false;
  /** Set when the daemon was stopped on purpose. */
  let stop: DaemonStop | undefined;

  const take = (event: HearthEvent): void | Promise<void> => {
    // A resync says where the stream continues, which may be below `last` if that seq never existed.
    if (event.type === "resync") last = event.seq;
    else if (last !== undefined && event.seq <= last) return;
    else last = event.seq;
    if (event.type === "workspace.closing") isClosing = true;
    return onEvent(event);
  };
  const connected = async (attempt: number) => {
    stop = undefined;
    retry.clear();
    onState({ state: "connected", attempt });
    if (wasOpened && last === undefined) await onEvent(unknownPosition());
    wasOpened = true;
    opened.resolve();
  };

  async function follow(): Promise<StreamEnd> {
    let socketPath = options.socketPath;
    let mayStart = true;
    let reportedStop: DaemonStop | undefined;
    for (let attempt = 0; ; attempt++) {
      let error: HearthError;
      try {
        if (attempt > 0) ({ socketPath } = await options.prepare(signal, { mayStart }));
        let isConnected = false;
        const onConnected = () => {
          isConnected = true;
          return connected(attempt);
        };
        const onStop = (why: DaemonStop) => {
          if (why.reason === "stop") stop = why;
        };
        error = await readOnce({ ...options, socketPath, last }, { take, onConnected, onStop }, signal);
        if (isConnected) attempt = 0;
      } catch (thrown) {
        if (signal.aborted) return { reason: "aborted" };
        error = toHearthError(thrown, socketPath);
        if (isClosing || (wasOpened && error.code === "workspace_closing"))
          return { reason: "workspace_closed" };
        if (wasOpened) stop ??= stopIn(error);
        const isTemporary = isBacklogFull(error.cause) || isGone(error);
        const canRetry = wasOpened || (isTemporary && attempt < FIRST_TRIES_MAX);
        if (!canRetry || isFinal(error)) return { reason: "failed", error };
      }
      if (signal.aborted) return { reason: "aborted" };
      if (isClosing) return { reason: "workspace_closed" };
      if (wasOpened) stop ??= options.forcedStop?.();
      mayStart = true;
      if (stop !== undefined) {
        if (reportedStop !== stop) onState({ state: "stopped", stop, isStarting: false });
        reportedStop = stop;
        mayStart = await retry.wait(stoppedCheckMs);
        if (signal.aborted) return { reason: "aborted" };
        if (mayStart) {
          onState({ state: "stopped", stop, isStarting: true });
          stop = undefined;
        }
        continue;
      }
      if (attempt === 0) onState({ state: "lost", error });
      const inMs = backoffMs(RETRY, attempt + 1);
      onState({ state: "retrying", attempt: attempt + 1, inMs, error });
      await retry.wait(inMs);
      if (signal.aborted) return { reason: "aborted" };
    }
  }

  const ended = follow().then((end) => {
    opened.reject(
      end.reason === "failed"
        ? end.error
        : new HearthError("workspace_closing", "The event stream has ended."),
    );
    return end;
  });
  return { opened: opened.promise, ended, retryNow: retry.now, lastSeq: () => last };
}

const isFinal = (error: HearthError): boolean =>
  error.code === "version_skew" ||
  error.code === "unsafe_path" ||
  error.code === "store_too_new" ||
  error.code === "workspace_not_found" ||
  error.code === "not_a_directory" ||
  error.code === "invalid_request";

/** For a stream that was lost before its first seq: missed events cannot be requested. */
const unknownPosition = (): HearthEvent => ({
  seq: 0,
  type: "resync",
  time: new Date().toISOString(),
  payload: { reason: "The stream was lost before its first event." },
});

const toHearthError = (error: unknown, socketPath: string): HearthError =>
  error instanceof HearthError ? error : unreachable(error, socketPath);

type Attempt = OpenEventsOptions & { last: number | undefined };
type Listener = {
  take(event: HearthEvent): void | Promise<void>;
  onConnected(): Promise<void>;
  onStop(why: DaemonStop): void;
};

/**
 * Reads one connection. Resolves with the reason when it is lost, rejects if it cannot be made. `take` gets each event.
 */
async function readOnce(
  attempt: Attempt,
  { take, onConnected, onStop }: Listener,
  signal: AbortSignal,
): Promise<HearthError> {
  const { socketPath, workspaceId, clientId, kind, label, sessionId, last } = attempt;
  const query = { client_id: clientId, kind, label, since: last, session_id: sessionId?.() };
  const { method, path } = addressOf("GET /v1/workspaces/{wid}/events", { wid: workspaceId }, query);
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (last !== undefined) headers["last-event-id"] = String(last);
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = httpRequest(onSocket(false, { socketPath, method, path, headers, signal }));
    call.once("response", resolve).on("error", reject).end();
  });
  response.setEncoding("utf8");
  if (response.statusCode !== 200) throw await readRefusal(response, `${method} ${path}`);
  await onConnected();
  const waiting: HearthEvent[] = [];
  const parser = createParser({
    maxBufferSize: EVENT_CHARS_MAX,
    onEvent: ({ data }) => {
      waiting.push(JSON.parse(data) as HearthEvent);
    },
    onComment(comment) {
      const why = parseStopComment(comment);
      if (why !== undefined) onStop(why);
    },
  });
  try {
    // Pulling gives backpressure while `take` waits, so that events do not pile up in memory here.
    for await (const chunk of response as AsyncIterable<string>) {
      parser.feed(chunk);
      for (const event of waiting) {
        const pending = take(event);
        if (pending !== undefined) await pending;
        if (signal.aborted) break;
      }
      waiting.length = 0;
    }
  } catch (error) {
    return unreachable(error, socketPath);
  }
  return new HearthError("daemon_unreachable", "The daemon ended the event stream.");
}

async function readRefusal(response: IncomingMessage, what: string): Promise<HearthError> {
  let text = "";
  for await (const chunk of response as AsyncIterable<string>) text += chunk;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined; // errorOfReply then reports only the status
  }
  return errorOfReply(value, response.statusCode ?? 0, what);
}

/** A wait that `now` cuts short, also when it was called just before. */
function createRetryTimer(signal: AbortSignal) {
  let asked = new AbortController();
  const clear = () => {
    if (asked.signal.aborted) asked = new AbortController();
  };
  return {
    now: () => asked.abort(),
    clear,
    /** Returns whether it was cut short. */
    async wait(ms: number): Promise<boolean> {
      await pause(ms, AbortSignal.any([signal, asked.signal]));
      const wasAsked = asked.signal.aborted;
      clear();
      return wasAsked;
    },
  };
}
