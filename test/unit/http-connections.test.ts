import { Agent, request } from "node:http";
import { connect } from "node:net";
import { afterEach, expect, test } from "vitest";
import { bareHttp } from "../support/bare-http.ts";
import { bareServices } from "../support/bare-services.ts";

const SILENT = 400;
const SILENT_KEPT = 128;
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** A request over a connection that may be kept; whether it was. */
function ask(socketPath: string, agent: Agent) {
  return new Promise<{ status: number | undefined; wasKept: boolean }>((resolve, reject) => {
    const call = request({ socketPath, path: "/v1/health", agent }, (response) => {
      response
        .resume()
        .once("end", () => resolve({ status: response.statusCode, wasKept: call.reusedSocket }));
    });
    call.once("error", reject).end();
  });
}

test("connections that say nothing keep nobody out", async () => {
  const http = await bareHttp(bareServices());
  closing.push(http.close);
  const agent = new Agent({ keepAlive: true });
  closing.push(() => agent.destroy());
  expect(await ask(http.socketPath, agent)).toEqual({ status: 200, wasKept: false });

  let closed = 0;
  const { promise: evicted, resolve } = Promise.withResolvers<void>();
  const silent = Array.from({ length: SILENT }, () => {
    const socket = connect(http.socketPath).resume();
    socket.once("close", () => {
      closed += 1;
      if (closed === SILENT - SILENT_KEPT) resolve();
    });
    return socket;
  });
  closing.push(() => {
    for (const socket of silent) socket.destroy();
  });
  await evicted;
  expect(await ask(http.socketPath, agent)).toEqual({ status: 200, wasKept: true });
  expect((await http.call("GET /v1/health")).status).toBe(200);
  expect(closed).toBeLessThanOrEqual(SILENT - SILENT_KEPT + 1);
});
