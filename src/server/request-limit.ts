import type { IncomingMessage, Server } from "node:http";
import type { Socket } from "node:net";

/** How long a client may take: for the head of a request, for all of it, and between two of them. */
export type RequestLimits = { headersMs: number; requestMs: number; keepAliveMs: number };

/** Until when a connection owes a request, or the rest of the one that it has begun. */
type Debt = { dueAt: number; incoming: IncomingMessage | undefined };

/**
 * Ends connections that take too long to say what they want. Node's own check wakes the process every few seconds
 * for as long as it listens; this one has a timer only while somebody owes something.
 */
export function limitRequests(server: Server, { headersMs, requestMs, keepAliveMs }: RequestLimits): void {
  const debts = new Map<Socket, Debt>();
  let timer: NodeJS.Timeout | undefined;
  /** When `timer` will look. */
  let lookAt = 0;

  const look = () => {
    timer = undefined;
    const now = performance.now();
    for (const [socket, { dueAt, incoming }] of debts) {
      if (dueAt > now) continue;
      debts.delete(socket);
      // What has come whole is answered in its own time: it may be an event stream.
      if (incoming?.complete) continue;
      const error = Object.assign(new Error("the request took too long"), {
        code: "ERR_HTTP_REQUEST_TIMEOUT",
      });
      server.emit("clientError", error, socket);
    }
    watch();
  };
  const watch = () => {
    if (debts.size > 0) lookBy(Math.min(...[...debts.values()].map(({ dueAt }) => dueAt)));
  };
  const lookBy = (dueAt: number) => {
    if (timer && lookAt <= dueAt) return;
    clearTimeout(timer);
    lookAt = dueAt;
    timer = setTimeout(look, Math.max(1, dueAt - performance.now())).unref();
  };
  const owe = (socket: Socket, ms: number, incoming?: IncomingMessage) => {
    const dueAt = performance.now() + ms;
    debts.set(socket, { dueAt, incoming });
    lookBy(dueAt);
  };

  server.on("connection", (socket) => {
    owe(socket, headersMs);
    socket.once("close", () => debts.delete(socket));
  });
  server.on("request", (incoming, outgoing) => {
    const { socket } = incoming;
    owe(socket, requestMs, incoming);
    outgoing.once("close", () => {
      // Node itself ends one that stays silent for `keepAliveMs`; one that has begun to speak gets the time for it.
      if (!socket.destroyed) owe(socket, keepAliveMs + headersMs);
    });
  });
}
