import { Agent as HttpAgent, request as httpRequest } from "node:http";
import { createServer } from "node:net";
import { createParser } from "eventsource-parser";
import { backoffMs } from "../../async/backoff.ts";
import { inBackground } from "../../async/in-background.ts";
import { orAborted, pause } from "../../async/wait.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { StartedChild } from "../children/child.ts";
import { parseEvent, type WireEvent } from "./wire.ts";

/** A call takes 40 ms on a quiet machine. */
const CALL_MS_MAX = 60_000;
const REPLY_BYTES_MAX = 64 * 1024 * 1024;
const EVENT_CHARS_MAX = 16 * 1024 * 1024;
/** opencode sends a heartbeat every 10 s: a stream that is silent for this long is dead. */
const SILENCE_MS_MAX = 30_000;
const RECONNECTS_MAX = 20;
const RECONNECT = { firstMs: 250, maxMs: 2000 };

export type Reply = { status: number; json: unknown };

/** A listener for the events of one directory. */
export type Listener = {
  event(event: WireEvent): void;
  /** The stream was lost and is back: events in between were missed. */
  missed(): void;
};

/** A running `opencode serve`, with the stream of one directory's events. */
export type OpencodeServer = {
  readonly version: string;
  /** Throws HearthError agent_unavailable when there is no response. */
  call(method: string, path: string, body: unknown, signal: AbortSignal): Promise<Reply>;
  /** The returned function removes the listener. */
  listen(listener: Listener): () => void;
  readonly listening: number;
};

/** A port that was free a moment ago. With `--port 0` opencode would try a fixed port first. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", resolve);
  });
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  if (address === null || typeof address === "string") throw new Error("a TCP port was expected");
  return address.port;
}

/** Waits until the child listens, and connects to its event stream. */
export async function connectServer(
  { agent, directory, password }: { agent: string; directory: string; password: string },
  child: StartedChild,
  signal: AbortSignal,
): Promise<OpencodeServer> {
  const port = await orAborted(listeningPort(child), signal);
  const connections = new HttpAgent({ keepAlive: true, maxSockets: 32 });
  const authorization = `Basic ${Buffer.from(`opencode:${password}`).toString("base64")}`;
  const place = `directory=${encodeURIComponent(directory)}`;
  const listeners = new Set<Listener>();

  function open(method: string, path: string, more: { accept?: string; length?: number; type?: string }) {
    return httpRequest({
      host: "127.0.0.1",
      port,
      method,
      path: `${path}${path.includes("?") ? "&" : "?"}${place}`,
      headers: {
        authorization,
        ...(more.accept === undefined ? {} : { accept: more.accept }),
        ...(more.type === undefined ? {} : { "content-type": more.type, "content-length": more.length }),
      },
      ...(more.accept === "text/event-stream" ? { agent: false } : { agent: connections }),
    });
  }

  function call(method: string, path: string, body: unknown, until: AbortSignal): Promise<Reply> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return new Promise<Reply>((resolve, reject) => {
      const outgoing = open(
        method,
        path,
        text === undefined ? {} : { length: Buffer.byteLength(text), type: "application/json" },
      );
      const stop = () => outgoing.destroy(new Error("aborted"));
      const fail = (cause: Error) => {
        until.removeEventListener("abort", stop);
        const message = `${agent} gave no answer to ${method} ${path}: ${cause.message}.`;
        reject(until.aborted ? until.reason : new HearthError("agent_unavailable", message, { cause }));
      };
      if (until.aborted) stop();
      until.addEventListener("abort", stop, { once: true });
      outgoing.setTimeout(CALL_MS_MAX, () => outgoing.destroy(new Error("it took too long")));
      // Not `once`: a connection can fail on write and on read, and an unhandled error event ends the daemon.
      outgoing.on("error", fail);
      outgoing.once("response", (incoming) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        incoming.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > REPLY_BYTES_MAX) outgoing.destroy(new Error("the answer is too long"));
          else chunks.push(chunk);
        });
        incoming.on("error", fail);
        incoming.once("end", () => {
          until.removeEventListener("abort", stop);
          resolve({ status: incoming.statusCode ?? 0, json: parse(Buffer.concat(chunks).toString("utf8")) });
        });
      });
      outgoing.end(text);
    });
  }

  /** Resolves when the stream has begun; `over` resolves when it has ended, for whatever reason. */
  function stream(): Promise<{ over: Promise<void> }> {
    return new Promise((resolve, reject) => {
      const over = Promise.withResolvers<void>();
      const outgoing = open("GET", "/event", { accept: "text/event-stream" });
      outgoing.setTimeout(SILENCE_MS_MAX, () => outgoing.destroy(new Error("it fell silent")));
      outgoing.on("error", (error) => {
        reject(error);
        over.resolve();
      });
      outgoing.once("response", (incoming) => {
        if (incoming.statusCode !== 200) {
          outgoing.destroy(new Error(`its events answered ${incoming.statusCode}`));
          return;
        }
        const parser = createParser({
          maxBufferSize: EVENT_CHARS_MAX,
          onEvent({ data }) {
            const value = parse(data);
            if (isConnected(value)) resolve({ over: over.promise });
            const event = parseEvent(value);
            if (event !== undefined) for (const listener of [...listeners]) listener.event(event);
          },
          onError({ type }) {
            if (type === "max-buffer-size-exceeded") outgoing.destroy(new Error("an event is too long"));
          },
        });
        incoming.setEncoding("utf8");
        incoming.on("data", (chunk: string) => parser.feed(chunk));
        incoming.on("error", () => over.resolve());
        incoming.once("close", () => over.resolve());
      });
      outgoing.end();
      signalled.push(() => outgoing.destroy());
    });
  }
  const signalled: (() => void)[] = [];
  const gone = new AbortController();
  child.stdout.once("close", () => {
    gone.abort();
    for (const end of signalled) end();
    connections.destroy();
  });

  async function keepStreaming(over: Promise<void>): Promise<void> {
    await over;
    let last: unknown;
    for (let attempt = 0; attempt < RECONNECTS_MAX && !gone.signal.aborted; attempt += 1) {
      signalled.length = 0;
      try {
        const again = await stream();
        for (const listener of [...listeners]) listener.missed();
        return keepStreaming(again.over);
      } catch (error) {
        last = error;
        await pause(backoffMs(RECONNECT, attempt + 1), gone.signal);
      }
    }
    if (!gone.signal.aborted) lostStream(last);
  }
  const lostStream = (why: unknown) =>
    child.fail(`lost its event stream (${why instanceof Error ? why.message : String(why)})`);

  const health = await call("GET", "/global/health", undefined, signal);
  const version = (health.json as { version?: unknown } | null)?.version;
  if (health.status !== 200 || typeof version !== "string") {
    throw new HearthError(
      "agent_unavailable",
      `${agent} answered its health check with ${health.status}: hearth does not know this version of opencode.`,
    );
  }
  const first = await orAborted(stream(), signal);
  inBackground(() => keepStreaming(first.over), lostStream);
  return {
    version,
    call,
    listen(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    get listening() {
      return listeners.size;
    },
  };
}

const isConnected = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "type" in value && value.type === "server.connected";

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // a page of the web interface, or an incomplete event
  }
}

/** Reads the port from the child's output. Other output is kept for error messages. */
function listeningPort(child: StartedChild): Promise<number> {
  return new Promise((resolve, reject) => {
    let head = "";
    child.stdout.on("data", (chunk: Buffer) => {
      const text = chunk.toString("utf8");
      head += head.length > 64 * 1024 ? "" : text;
      const port = /listening on https?:\/\/[^\s/]*:(\d+)/.exec(head)?.[1];
      // The address does not belong in an error message.
      child.logOutput(text.replace(/^.*listening on http.*\n?/m, ""));
      if (port !== undefined) resolve(Number(port));
    });
    child.stdout.once("end", () => reject(new Error("it ended before it listened")));
    child.stdout.on("error", reject);
  });
}
