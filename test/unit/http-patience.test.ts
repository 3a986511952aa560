import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, expect, test } from "vitest";
import { HearthError } from "../../src/protocol/errors.ts";
import type { Patience } from "../../src/server/http/server.ts";
import { bareHttp } from "../support/bare-http.ts";
import { bareServices } from "../support/bare-services.ts";

const short: Patience = {
  headersTimeout: 50,
  requestTimeout: 50,
  keepAliveTimeout: 60_000,
  connectionsCheckingInterval: 20,
};
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function impatient(services = bareServices()) {
  const http = await bareHttp(services, short);
  closing.push(http.close);
  return (first: string) => {
    const socket = connect(http.socketPath);
    closing.push(() => socket.destroy());
    socket.on("error", () => {});
    socket.write(first);
    return socket;
  };
}

const head = "GET /v1/health HTTP/1.1\r\nHost: x\r\n";

test.each([
  ["says nothing", ""],
  ["never ends its headers", head],
  ["never sends its body", "POST /v1/workspaces HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"],
])("a connection that %s is told so and ended", async (_, first) => {
  const open = await impatient();
  expect(await text(open(first))).toMatch(/^HTTP\/1\.1 408 /);
});

test("a kept connection that begins a second request and does not end it is ended", async () => {
  const open = await impatient();
  expect(await text(open(`${head}\r\n${head}`))).toContain('"status":"ok"');
});

test("an answer that takes its time is left alone", async () => {
  const slow = Promise.withResolvers<never>();
  const open = await impatient(bareServices({ sessions: { messages: () => slow.promise } }));
  const id = "0".repeat(32);
  const path = `/v1/workspaces/ws_${id}/sessions/ses_${id}/messages`;
  const waiting = text(open(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`));
  // Two rounds of the patience of others: what was whole has outlived it.
  await text(open(""));
  await text(open(""));
  slow.reject(new HearthError("session_not_found", "It is gone by now."));
  expect(await waiting).toContain("It is gone by now.");
});
