import { request as httpRequest, type IncomingMessage } from "node:http";
import { createParser } from "eventsource-parser";
import { backoffMs } from "../async/backoff.ts";
import { pause } from "../async/wait.ts";
import { type DaemonStop, parseStopComment } from "../protocol/daemon-stop.ts";
import { HearthError } from "../protocol/errors.ts";
import type { HearthEvent } from "../protocol/events.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { ClientKind } from "../protocol/workspace.ts";
import { addressOf, errorOfReply, isCrowded, onSocket, unreachable } from "./client.ts";
import { isGone, stopIn } from "./gone.ts";

/** Half of it is random, so that a hundred terminals do not come back in the same moment. */
const RETRY = { firstMs: 50, maxMs: 2000, jitter: { below: 0.5, above: 0 } };
/** How often a first connection is tried while too many others wait for theirs, or the daemon that was found goes. */
const FIRST_TRIES_MAX = 5;
/** How often a stream looks whether somebody else has started the daemon that was stopped on purpose. */
const STOPPED_LOOK_MS = 2000;
/** A single event is at most one message; what is larger is no hearth. */
const EVENT_CHARS_MAX = 128 * 1024 * 1024;

export type StreamState =
  | { state: "connected"; attempt: number }
  | { state: "lost"; error: HearthError }
  | { state: "retrying"; attempt: number; inMs: number; error: HearthError }
  /** Somebody stopped the daemon on purpose. Nothing starts it again but `retryNow`, which `isStarting` answers. */
  | { state: "stopped"; stop: DaemonStop; isStarting: boolean };

/** Why a stream is over for good. */
export type StreamEnd =
  | { reason: "workspace_closed" }
  | { reason: "aborted" }
  /** Trying again cannot help: another version, a workspace that is gone. */
  | { reason: "failed"; error: HearthError };

export type OpenEventsOptions = {
  socketPath: string;
  workspaceId: WorkspaceId;
  clientId: string;
  kind: ClientKind;
  /** For people: a tty, a host. */
  label?: string | undefined;
  /** What it shows, for whoever looks who is where; asked at each connection. */
  sessionId?: (() => SessionId | null) | undefined;
  /** Everything after this seq; without it the stream starts at the present. */
  since?: number | undefined;
  /**
   * Each event after `since` once, in order; `resync` asks the caller to take a snapshot. While a returned
   * promise is pending nothing more is read. Must not throw. A newer daemon may send types unknown here.
   */
  onEvent(event: HearthEvent): void | Promise<void>;
  onState?: ((state: StreamState) => void) | undefined;
  stoppedLookMs?: number | undefined;
  /**
   * Called before each reconnection: makes sure that a daemon runs and knows this client's environment, and says
   * where it listens. Without `mayStart` it rejects where no daemon runs.
   */
  prepare(signal: AbortSignal, options: { mayStart: boolean }): Promise<{ socketPath: string }>;
  /** Asked after a loss that the daemon gave no reason for: whether somebody has ended it by force. */
  forcedStop?: (() => DaemonStop | undefined) | undefined;
};

export type EventStream = {
  /** The daemon has attached this client: what happens from here on arrives. Rejects with HearthError. */
  opened: Promise<void>;
  /** Never rejects. */
  ended: Promise<StreamEnd>;
  /** Ends the waiting between two attempts, and starts a daemon that was stopped on purpose. */
  retryNow(): void;
  /** The last seq received; undefined before the first event of a stream that began at the present. */
  lastSeq(): number | undefined;
};

/** Attaches to a workspace and stays attached through every loss, until it closes or `signal` aborts. */
export function openEvents(options: OpenEventsOptions, signal: AbortSignal): EventStream {
  const { onEvent, onState = () => {}, stoppedLookMs = STOPPED_LOOK_MS } = options;
  const retry = createRetryTimer(signal);
  const opened = Promise.withResolvers<void>();
  opened.promise.catch(() => {}); // also told by `ended`; a caller may wait for only one of them
  let last = options.since;
  let wasOpened = false;
  let isClosing = false;
  /** Why the daemon went on purpose. */
  let stop: DaemonStop | undefined;

  const take = (event: HearthEvent): void | Promise<void> => {
    // A resync says where the stream goes on, which may be below a seq that never was.
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
    let toldStop: DaemonStop | undefined;
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
        const isPassing = isCrowded(error.cause) || isGone(error);
        const isWorthATry = wasOpened || (isPassing && attempt < FIRST_TRIES_MAX);
        if (!isWorthATry || isFinal(error)) return { reason: "failed", error };
      }
      if (signal.aborted) return { reason: "aborted" };
      if (isClosing) return { reason: "workspace_closed" };
      if (wasOpened) stop ??= options.forcedStop?.();
      mayStart = true;
      if (stop !== undefined) {
        if (toldStop !== stop) onState({ state: "stopped", stop, isStarting: false });
        toldStop = stop;
        mayStart = await retry.wait(stoppedLookMs);
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

/** For a stream that was lost before it had told its first seq: what was missed cannot be asked for. */
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
 * One connection: resolves with the reason when it is lost, rejects when it could not be had. `take` gets each
 * event while it lasts.
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
    // Pulling holds the socket back while `take` waits: the daemon sees a slow reader, not our memory growing.
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
    value = undefined; // errorOfReply then speaks of the status alone
  }
  return errorOfReply(value, response.statusCode ?? 0, what);
}

/** A wait that can be cut short, also by a word that came just before it. */
function createRetryTimer(signal: AbortSignal) {
  let asked = new AbortController();
  const clear = () => {
    if (asked.signal.aborted) asked = new AbortController();
  };
  return {
    now: () => asked.abort(),
    clear,
    /** Whether it was cut short. */
    async wait(ms: number): Promise<boolean> {
      await pause(ms, AbortSignal.any([signal, asked.signal]));
      const wasAsked = asked.signal.aborted;
      clear();
      return wasAsked;
    },
  };
}
