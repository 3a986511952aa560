import type { Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** Makes a server the proxy through which its clients reach it under every name. Gives what ends the tunnels. */
export function tunnelToItself(server: Server): () => void {
  const sockets = new Set<Socket>();
  server.on("connect", (_request, incoming, head) => {
    const own = connect((server.address() as AddressInfo).port, "127.0.0.1", () => {
      incoming.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      own.write(head);
      own.pipe(incoming).pipe(own);
    });
    own.on("error", () => incoming.destroy());
    own.on("close", () => incoming.destroy());
    incoming.on("error", () => own.destroy());
    incoming.on("close", () => own.destroy());
    sockets.add(own);
    own.once("close", () => sockets.delete(own));
  });
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}
