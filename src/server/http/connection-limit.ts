import type { Server } from "node:http";
import type { Socket } from "node:net";

/** A hundred clients hold a stream and a few kept connections each; beyond that somebody fills us up. */
const SOCKETS_MAX = 1024;
/** With so many that have spoken, those not in use at the moment are closed: their clients open new ones at need. */
const SOCKETS_CROWDED = 768;
/** So many connections may owe their first request for longer than SILENT_MS: the oldest of more are closed. */
const SILENT_MAX = 128;
/** A hundred clients may well connect in one moment, and each needs its time to say what it wants. */
const SILENT_MS = 100;

/** Keeps connections that want nothing from keeping others out. */
export function limitConnections(server: Server): void {
  const silentSince = new Map<Socket, number>();
  let timer: NodeJS.Timeout | undefined;

  const look = () => {
    if (silentSince.size <= SILENT_MAX || timer) return;
    timer = setTimeout(evict, SILENT_MS).unref();
  };
  const evict = () => {
    timer = undefined;
    const before = performance.now() - SILENT_MS;
    for (const [socket, since] of silentSince) {
      if (silentSince.size <= SILENT_MAX || since > before) break;
      silentSince.delete(socket);
      socket.destroy();
    }
    look();
  };
  server.maxConnections = SOCKETS_MAX;
  server.on("connection", (socket) => {
    silentSince.set(socket, performance.now());
    socket.once("close", () => silentSince.delete(socket));
    look();
    server.getConnections((_, count) => {
      if (count - silentSince.size > SOCKETS_CROWDED) server.closeIdleConnections();
    });
  });
  server.on("request", ({ socket }) => silentSince.delete(socket));
}
