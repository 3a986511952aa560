import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { limitRequests } from "../../src/server/request-limit.ts";

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A server with short patience, and what it did about each connection that it gave up on. */
async function impatient(answer: RequestListener, keepAliveMs = 0) {
  const server = createServer({ headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: 60_000 }, answer);
  limitRequests(server, { headersMs: 50, requestMs: 50, keepAliveMs });
  const refused: (string | undefined)[] = [];
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Socket) => {
    refused.push(error.code);
    socket.destroy();
  });
  closing.push(() => {
    server.close();
    server.closeAllConnections();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    refused,
    connect(first: string) {
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      socket.on("error", () => {});
      closing.push(() => socket.destroy());
      socket.write(first);
      return socket;
    },
  };
}

const head = "GET / HTTP/1.1\r\nHost: x\r\n";

test.each([
  ["says nothing", ""],
  ["never ends its headers", head],
  ["never sends its body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"],
])("a connection that %s is ended", async (_, first) => {
  const http = await impatient((request) => request.resume());
  await text(http.connect(first));
  expect(http.refused).toEqual(["ERR_HTTP_REQUEST_TIMEOUT"]);
});

test("a kept connection that begins a second request and does not end it is ended", async () => {
  const http = await impatient((_, response) => response.end("done"));
  const socket = http.connect(`${head}\r\n${head}`);
  expect(await text(socket)).toContain("done");
  expect(http.refused).toEqual(["ERR_HTTP_REQUEST_TIMEOUT"]);
});

test("an answer that takes its time is left alone", async () => {
  const slow = Promise.withResolvers<void>();
  const http = await impatient(async (_, response) => {
    response.write("first");
    await slow.promise;
    response.end("last");
  });
  const silent = http.connect("");
  const socket = http.connect(`${head}Connection: close\r\n\r\n`);
  // Two rounds of the patience of others: what was whole has outlived it.
  await text(silent);
  await text(http.connect(""));
  slow.resolve();
  expect(await text(socket)).toContain("last");
  expect(http.refused).toHaveLength(2);
});

test("one that owes its first request is not given the time of one that is kept", async () => {
  const http = await impatient((_, response) => response.end("done"), 60_000);
  const kept = http.connect(`${head}\r\n`);
  await once(kept, "data");
  for (const _ of [1, 2]) await text(http.connect(""));
  expect(http.refused).toHaveLength(2);
  expect(kept.destroyed).toBe(false);
});
