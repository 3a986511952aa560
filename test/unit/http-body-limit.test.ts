import { request } from "node:http";
import { afterEach, expect, test } from "vitest";
import { HearthError } from "../../src/protocol/errors.ts";
import { bareHttp } from "../support/bare-http.ts";
import { bareServices } from "../support/bare-services.ts";

const MiB = 1024 * 1024;
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function start() {
  const open = async ({ path }: { path: string }): Promise<never> => {
    throw new HearthError("not_a_directory", String(path.length));
  };
  const http = await bareHttp(bareServices({ workspaces: { open } }));
  closing.push(http.close);
  return http;
}

/** Sends `chunk` again and again, until the reply is there or all has been sent. */
function upload(socketPath: string, headers: Record<string, string | number>, chunk: Buffer, times: number) {
  return new Promise<{ status: number | undefined; sent: number; text: string }>((resolve, reject) => {
    let sent = 0;
    let isAnswered = false;
    const call = request({ socketPath, method: "POST", path: "/v1/workspaces", agent: false, headers });
    call.on("response", async (response) => {
      isAnswered = true;
      let text = "";
      for await (const part of response.setEncoding("utf8")) text += part;
      call.destroy();
      resolve({ status: response.statusCode, sent, text });
    });
    call.on("error", (error) => isAnswered || reject(error));
    const more = () => {
      if (isAnswered) return;
      if (sent === times) return void call.end();
      sent += 1;
      call.write(chunk, more);
    };
    more();
  });
}

test("a body of 32 MiB is taken", async () => {
  const http = await start();
  const body = `{"path":"${"a".repeat(32 * MiB - 11)}"}`;
  const reply = await http.call("POST /v1/workspaces", {
    raw: body,
    headers: { "content-type": "application/json" },
  });
  expect([Buffer.byteLength(body), reply.status]).toEqual([32 * MiB, 400]);
  expect(reply.json.error).toMatchObject({ code: "not_a_directory", message: String(32 * MiB - 11) });
});

test("a body said to be longer is refused before it is sent", async () => {
  const http = await start();
  const headers = { "content-type": "application/json", "content-length": 1024 * MiB };
  const reply = await upload(http.socketPath, headers, Buffer.alloc(64 * 1024, 0x20), 16 * 1024);
  expect([reply.status, JSON.parse(reply.text).error.code]).toEqual([413, "body_too_large"]);
  expect(reply.sent).toBeLessThan(16 * 16);
});

test("a body that turns out to be longer is refused while it is sent, and is not kept", async () => {
  const http = await start();
  const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
  const before = process.memoryUsage().arrayBuffers;
  const reply = await upload(http.socketPath, headers, Buffer.alloc(MiB, 0x20), 1024);
  expect([reply.status, JSON.parse(reply.text).error.code]).toEqual([413, "body_too_large"]);
  expect(reply.sent).toBeLessThan(256);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(80 * MiB);
  expect((await http.call("GET /v1/health")).status).toBe(200);
});
