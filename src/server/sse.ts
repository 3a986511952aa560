import type { ServerResponse } from "node:http";
import type { WorkspaceId } from "../protocol/ids.ts";
import type { Client } from "../protocol/workspace.ts";
import type { Log } from "./log.ts";
import type { Services, Subscriber } from "./services.ts";

const KEEP_ALIVE_MS = 15_000;
/** A client that lets this much wait is cut off; it resumes from its last seq when it comes back. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;
/** How long a stream that has ended may take to be read to its end. */
const END_MS_MAX = 5_000;
/** Past every seq that was ever given out: asking for it is answered with a resync. */
const NEVER_WAS = Number.MAX_SAFE_INTEGER;

const headers = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-cache, no-transform",
} as const;
const comment = Buffer.from(":\n\n");

type Open = { attach: Services["events"]["attach"]; log: Log };

/** Where a stream goes on: a Last-Event-ID header wins over `?since=`; null starts at the present. */
export function resumeAfter(lastEventId: string | undefined, since: number | undefined): number | null {
  if (lastEventId === undefined) return since ?? null;
  return /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : NEVER_WAS;
}

/**
 * The open event streams. What is sent within one turn of the event loop reaches each socket as one write: with a
 * hundred clients that is the difference between a hundred system calls a burst and a hundred an event.
 */
export function createEventStreams({ attach, log }: Open) {
  const open = new Set<Stream>();
  const corked = new Set<Stream>();
  let keepAlive: NodeJS.Timeout | undefined;

  const flush = () => {
    for (const stream of corked) stream.outgoing.uncork();
    corked.clear();
  };
  const write = (stream: Stream, frame: Buffer) => {
    const { outgoing } = stream;
    if (!corked.has(stream)) {
      const waiting = outgoing.writableLength;
      stream.keepsUp = waiting < WAITING_BYTES_MAX;
      if (stream.keepsUp) stream.waitingBytesMax = WAITING_BYTES_MAX;
      else if (waiting > stream.waitingBytesMax) {
        log.warn("a client that does not read was cut off", { client: stream.clientId, waiting });
        outgoing.destroy();
        return;
      }
      if (corked.size === 0) setImmediate(flush);
      corked.add(stream);
      outgoing.cork();
    }
    if (stream.keepsUp) stream.waitingBytesMax += frame.length;
    outgoing.write(frame);
  };
  const opened = (stream: Stream) => {
    open.add(stream);
    keepAlive ??= setInterval(() => {
      for (const each of open) write(each, comment);
    }, KEEP_ALIVE_MS).unref();
  };
  const closed = (stream: Stream) => {
    open.delete(stream);
    corked.delete(stream);
    if (open.size > 0) return;
    clearInterval(keepAlive);
    keepAlive = undefined;
  };

  /** Attaches and streams until either side ends it. Throws, with nothing written, what `attach` throws. */
  function start(wid: WorkspaceId, client: Client, since: number | null, outgoing: ServerResponse): void {
    if (outgoing.destroyed) return;
    const stream: Stream = {
      outgoing,
      clientId: client.id,
      keepsUp: true,
      waitingBytesMax: WAITING_BYTES_MAX,
    };
    let detach = () => {};
    const begin = () => {
      if (outgoing.headersSent) return;
      outgoing.writeHead(200, headers);
      outgoing.flushHeaders();
      opened(stream);
      write(stream, comment);
    };
    const subscriber: Subscriber = {
      send(frame) {
        if (outgoing.writableEnded || outgoing.destroyed) return;
        begin();
        write(stream, frame);
      },
      end() {
        if (outgoing.writableEnded || outgoing.destroyed) return;
        begin();
        // Node writes a response's end before what is still corked.
        if (corked.has(stream)) outgoing.uncork();
        closed(stream);
        outgoing.end();
        const timer = setTimeout(() => outgoing.destroy(), END_MS_MAX).unref();
        outgoing.once("close", () => clearTimeout(timer));
      },
    };
    outgoing.once("close", () => {
      closed(stream);
      detach();
    });
    outgoing.on("error", () => {}); // a reset by the client: 'close' follows, and says all there is to say
    detach = attach(wid, client, since, subscriber);
    begin();
    if (outgoing.destroyed) detach();
  }

  return {
    start,
    /** Cuts every stream off: a server that closes does not end what is still open. */
    close() {
      for (const stream of open) stream.outgoing.destroy();
    },
  };
}

export type EventStreams = ReturnType<typeof createEventStreams>;

type Stream = {
  outgoing: ServerResponse;
  clientId: string;
  /** Less than WAITING_BYTES_MAX waited when this turn of the event loop began to write. */
  keepsUp: boolean;
  /**
   * WAITING_BYTES_MAX and what was written in one turn to a client that kept up: a long replay or a large message
   * is nothing that the client has left unread.
   */
  waitingBytesMax: number;
};
