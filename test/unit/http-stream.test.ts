import { once } from "node:events";
import type { IncomingMessage, RequestOptions } from "node:http";
import { setImmediate as nextTurn } from "node:timers/promises";
import { afterEach, expect, test, vi } from "vitest";
import { HearthError } from "../../src/protocol/errors.ts";
import type { Client } from "../../src/protocol/workspace.ts";
import type { Subscriber } from "../../src/server/services.ts";
import { bareHttp } from "../support/bare-http.ts";
import { bareServices } from "../support/bare-services.ts";

const MiB = 1024 * 1024;
const wid = `ws_${"0".repeat(32)}`;
const path = `GET /v1/workspaces/${wid}/events`;
const frame = (seq: number, size = 0) =>
  Buffer.from(`id: ${seq}\nevent: x\ndata: {"seq":${seq}}${" ".repeat(size)}\n\n`);

type Attached = { client: Client; since: number | null; subscriber: Subscriber; detached: Promise<void> };
const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const close of closing.splice(0)) await close();
});

/** A server whose streams the test feeds; `replay` is sent while a client is being attached. */
async function start(replay: readonly Buffer[] = []) {
  const attached: Attached[] = [];
  const detachments: string[] = [];
  const attach = (_: string, client: Client, since: number | null, subscriber: Subscriber) => {
    const { promise: detached, resolve } = Promise.withResolvers<void>();
    for (const each of replay) subscriber.send(each);
    attached.push({ client, since, subscriber, detached });
    return () => {
      detachments.push(client.id);
      resolve();
    };
  };
  const http = await bareHttp(bareServices({ events: { attach } }));
  closing.push(http.close);
  return {
    ...http,
    detachments,
    async attach(query = "", headers: RequestOptions["headers"] = {}) {
      const response = await http.open(`${path}${query}`, headers);
      const last = attached.at(-1);
      if (!last) throw new Error("nobody was attached");
      return { response, ...last };
    },
    publish: (bytes: Buffer) => {
      for (const { subscriber } of attached) subscriber.send(bytes);
    },
  };
}

/** Reads until `bytes` have come, or the stream has ended. */
async function read(response: IncomingMessage, bytes = Number.POSITIVE_INFINITY): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response.iterator({ destroyOnReturn: false })) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= bytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

test("a stream opens at once, with a comment, before anything happens", async () => {
  const server = await start();
  const { response } = await server.attach();
  expect(response.statusCode).toBe(200);
  expect(response.headers["content-type"]).toBe("text/event-stream; charset=utf-8");
  expect(response.headers["cache-control"]).toContain("no-cache");
  expect(await read(response, 3)).toBe(":\n\n");
});

test("every client gets the same bytes, those of the replay first", async () => {
  const server = await start([frame(1), frame(2)]);
  const one = await server.attach();
  const two = await server.attach();
  for (let seq = 3; seq < 200; seq += 1) server.publish(frame(seq));
  const expected = `:\n\n${Array.from({ length: 199 }, (_, index) => frame(index + 1)).join("")}`;
  expect(await read(one.response, expected.length)).toBe(expected);
  expect(await read(two.response, expected.length)).toBe(expected);
});

test("a client is known by what it says of itself", async () => {
  const server = await start();
  const { client } = await server.attach("?client_id=tui-7&kind=tui&label=pts%2F3");
  expect(client).toEqual({
    id: "tui-7",
    kind: "tui",
    label: "pts/3",
    attached_at: "2026-01-02T03:04:05.006Z",
  });
  const first = await server.attach();
  const second = await server.attach();
  expect(first.client).toMatchObject({ kind: "other", label: "" });
  expect(first.client.id).not.toBe(second.client.id);
});

test("a stream goes on after Last-Event-ID, else after `since`, else from now", async () => {
  const server = await start();
  const never = Number.MAX_SAFE_INTEGER;
  expect((await server.attach()).since).toBe(null);
  expect((await server.attach("?since=0")).since).toBe(0);
  expect((await server.attach("?since=41")).since).toBe(41);
  expect((await server.attach("?since=41", { "last-event-id": "42" })).since).toBe(42);
  expect((await server.attach("?since=41", { "last-event-id": "no" })).since).toBe(never);
  expect((await server.attach("", { "last-event-id": "-1" })).since).toBe(never);
  expect((await server.attach("", { "last-event-id": "9".repeat(40) })).since).toBe(never);
  const wrong = await server.call(`${path}?since=soon`);
  expect([wrong.status, wrong.json.error.details.field]).toEqual([400, "since"]);
});

test("a client that cannot be attached gets an error, not a stream", async () => {
  const attach = () => {
    throw new HearthError("workspace_closing", "It closes.");
  };
  const http = await bareHttp(bareServices({ events: { attach } }));
  closing.push(http.close);
  const reply = await http.call(path);
  expect([reply.status, reply.headers["content-type"]]).toEqual([409, "application/json"]);
  expect(reply.json.error.code).toBe("workspace_closing");
});

test("a client that goes is detached, once, and nothing more is sent to it", async () => {
  const server = await start();
  const { response, subscriber, detached } = await server.attach("?client_id=a");
  response.destroy();
  await detached;
  subscriber.send(frame(1));
  subscriber.end();
  expect(server.detachments).toEqual(["a"]);
});

test("a stream that is ended delivers what came before and then ends", async () => {
  const server = await start();
  const { response, subscriber, detached } = await server.attach();
  subscriber.send(frame(1));
  subscriber.end();
  subscriber.send(frame(2));
  expect(await read(response)).toBe(`:\n\n${frame(1)}`);
  expect(response.complete).toBe(true);
  await detached;
});

test("a client that does not read is cut off at 4 MiB, and holds up nobody", async () => {
  const server = await start();
  const idle = await server.attach("?client_id=idle");
  idle.response.pause();
  const reader = await server.attach("?client_id=reader");
  const reading = read(reader.response);
  let sent = 0;
  while (server.detachments.length === 0) {
    for (let seq = 0; seq < 10; seq += 1) server.publish(frame(sent++, 16 * 1024));
    await nextTurn();
  }
  const size = sent * frame(0, 16 * 1024).length;
  expect(size).toBeGreaterThan(4 * MiB);
  expect(size).toBeLessThan(6 * MiB);
  reader.subscriber.end();
  expect((await reading).match(/^id: /gm)).toHaveLength(sent);
  expect(server.detachments[0]).toBe("idle");
  expect(server.logged).toMatchObject([{ level: "warn", fields: { client: "idle" } }]);
});

test("a replay of any size reaches a client that reads, and 4 MiB more may wait behind it", async () => {
  const replay = Array.from({ length: 12 }, (_, seq) => frame(seq, MiB));
  const server = await start(replay);
  const { response, subscriber } = await server.attach();
  for (let seq = 12; seq < 15; seq += 1) subscriber.send(frame(seq, MiB));
  const text = await read(response, 15 * MiB);
  expect(text.match(/^id: /gm)).toHaveLength(15);
  expect(server.detachments).toEqual([]);
});

test("a message larger than what may wait reaches a client that reads, and so does what follows", async () => {
  const server = await start();
  const { response, subscriber } = await server.attach();
  subscriber.send(frame(1, 9 * MiB));
  await nextTurn();
  subscriber.send(frame(2));
  await nextTurn();
  subscriber.send(frame(3));
  subscriber.end();
  expect((await read(response)).match(/^id: /gm)).toHaveLength(3);
});

test("a client that leaves its replay unread is cut off as well", async () => {
  const server = await start(Array.from({ length: 6 }, (_, seq) => frame(seq, MiB)));
  const { response, subscriber, detached } = await server.attach();
  response.pause();
  for (let seq = 6; server.detachments.length === 0; seq += 1) {
    subscriber.send(frame(seq, MiB));
    await nextTurn();
    expect(seq).toBeLessThan(6 + 10);
  }
  await detached;
});

test("a comment every 15 s keeps an open stream alive, and no timer is left without one", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const server = await start();
  expect(vi.getTimerCount()).toBe(0);
  const one = await server.attach();
  const two = await server.attach();
  expect(vi.getTimerCount()).toBe(1);
  await read(one.response, 3);
  vi.advanceTimersByTime(30_000);
  expect(await read(one.response, 6)).toBe(":\n\n:\n\n");
  one.response.destroy();
  await one.detached;
  expect(vi.getTimerCount()).toBe(1);
  two.response.destroy();
  await two.detached;
  expect(vi.getTimerCount()).toBe(0);
});

test("a server that closes ends the streams, however little they are read", async () => {
  const server = await start();
  const { response } = await server.attach();
  const over = once(response.resume(), "close");
  await server.close();
  closing.pop();
  await over;
});
