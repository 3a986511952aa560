import type { ServerResponse } from "node:http";
import type { Writable } from "node:stream";
import type { WorkspaceId } from "../../protocol/ids.ts";
import type { Client } from "../../protocol/workspace.ts";
import type { Log } from "../daemon/log.ts";
import type { Services, Subscriber } from "../services.ts";

const KEEP_ALIVE_MS = 15_000;
/** A client with this much unread data is disconnected; it resumes from its last seq. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** During a replay, a client with no more unread data than this gets the next page. */
const DRAINED_BYTES = 256 * 1024;
/** How long the client may take to read an ended stream to its end. */
const END_MS_MAX = 5_000;
/** Frames of one turn are joined into one write up to this size; above it copying costs more than it saves. */
const JOINED_BYTES_MAX = 256 * 1024;
/** Above every seq, so that asking for it is answered with a resync. */
const NEVER_WAS = Number.MAX_SAFE_INTEGER;

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
} as const;
const comment = Buffer.from(":\n\n");

export type EventStreams = ReturnType<typeof createEventStreams>;

type Stream = {
  outgoing: ServerResponse;
  /**
   * Frames are written to the response's own socket, because the response takes three times as long per frame. Its
   * headers have been sent, and its raw body ends with the connection.
   */
  sink: Writable;
  clientId: string;
  /** Frames of this turn of the event loop that are not written yet. */
  frames: Buffer[];
  /** Less than WAITING_BYTES_MAX was unread when this turn began to send. */
  keepsUp: boolean;
  /**
   * WAITING_BYTES_MAX plus what was sent in one turn to a client that kept up: a client has no part in the size of a
   * long replay or a large message.
   */
  waitingBytesMax: number;
};

/** Where a stream resumes: a Last-Event-ID header wins over `?since=`; null means only new events. */
export function resumeAfter(lastEventId: string | undefined, since: number | undefined): number | null {
  if (lastEventId === undefined) return since ?? null;
  return /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : NEVER_WAS;
}

/**
 * The open event streams. Frames of one turn of the event loop are one write per socket, joined once for all clients
 * that get the same frames.
 */
export function createEventStreams({ attach, log }: { attach: Services["events"]["attach"]; log: Log }) {
  const open = new Set<Stream>();
  let unwritten: Stream[] = [];
  let keepAlive: NodeJS.Timeout | undefined;

  const flush = () => {
    const streams = unwritten;
    unwritten = [];
    let last: Joined | undefined;
    for (const stream of streams) last = writeFrames(stream, last);
  };
  const send = (stream: Stream, frame: Buffer) => {
    if (stream.frames.length === 0) {
      const waiting = stream.sink.writableLength;
      stream.keepsUp = waiting < WAITING_BYTES_MAX;
      if (stream.keepsUp) stream.waitingBytesMax = WAITING_BYTES_MAX;
      else if (waiting > stream.waitingBytesMax) {
        log.warn("a client that does not read was cut off", { client: stream.clientId, waiting });
        stream.outgoing.destroy();
        return;
      }
      if (unwritten.length === 0) setImmediate(flush);
      unwritten.push(stream);
    }
    if (stream.keepsUp) stream.waitingBytesMax += frame.length;
    stream.frames.push(frame);
  };
  const opened = (stream: Stream) => {
    open.add(stream);
    keepAlive ??= setInterval(() => {
      for (const each of open) send(each, comment);
    }, KEEP_ALIVE_MS).unref();
  };
  const closed = (stream: Stream) => {
    open.delete(stream);
    if (open.size > 0) return;
    clearInterval(keepAlive);
    keepAlive = undefined;
  };

  /** Attaches the client and streams until either side ends it. If `attach` throws, nothing was written. */
  function start(wid: WorkspaceId, client: Client, since: number | null, outgoing: ServerResponse): void {
    if (outgoing.destroyed) return;
    let stream: Stream | undefined;
    let detach = () => {};
    const isOver = () => outgoing.writableEnded || outgoing.destroyed;
    const begin = (): Stream => {
      if (stream) return stream;
      outgoing.removeHeader("transfer-encoding");
      outgoing.writeHead(200, headers);
      outgoing.flushHeaders();
      stream = {
        ...{ outgoing, sink: outgoing.socket ?? outgoing, clientId: client.id, frames: [] },
        ...{ keepsUp: true, waitingBytesMax: WAITING_BYTES_MAX },
      };
      opened(stream);
      send(stream, comment);
      return stream;
    };
    const subscriber: Subscriber = {
      send(frame) {
        if (!isOver()) send(begin(), frame);
      },
      whenDrained(next) {
        // Runs after this turn's frames have been written.
        setImmediate(() => {
          if (isOver()) return;
          const { sink } = begin();
          if (sink.writableLength > DRAINED_BYTES) sink.once("drain", next);
          else next();
        });
      },
      end() {
        if (isOver()) return;
        const ending = begin();
        writeFrames(ending, undefined);
        closed(ending);
        outgoing.end();
        const timer = setTimeout(() => outgoing.destroy(), END_MS_MAX).unref();
        outgoing.once("close", () => clearTimeout(timer));
      },
    };
    outgoing.once("close", () => {
      if (stream) closed(stream);
      detach();
    });
    outgoing.on("error", () => {}); // a reset by the client: 'close' follows
    detach = attach(wid, client, since, subscriber);
    begin();
    if (outgoing.destroyed) detach();
  }

  return {
    start,
    /** Ends every stream: closing a server does not end open responses. */
    close() {
      for (const stream of open) stream.outgoing.destroy();
    },
  };
}

type Joined = { frames: readonly Buffer[]; bytes: Buffer };

/** Writes a stream's frames. Returns them joined, for the next stream with the same frames. */
function writeFrames(stream: Stream, last: Joined | undefined): Joined | undefined {
  const { sink, frames } = stream;
  stream.frames = [];
  const [first] = frames;
  if (first === undefined || sink.destroyed) return last;
  if (frames.length === 1) {
    sink.write(first);
    return last;
  }
  if (last && isSame(last.frames, frames)) {
    sink.write(last.bytes);
    return last;
  }
  if (frames.reduce((sum, frame) => sum + frame.length, 0) <= JOINED_BYTES_MAX) {
    const joined = { frames, bytes: Buffer.concat(frames) };
    sink.write(joined.bytes);
    return joined;
  }
  sink.cork();
  for (const frame of frames) sink.write(frame);
  sink.uncork();
  return last;
}

const isSame = (some: readonly Buffer[], others: readonly Buffer[]): boolean =>
  some.length === others.length && some.every((frame, index) => frame === others[index]);
