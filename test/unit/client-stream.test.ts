import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type OpenEventsOptions, openEvents, type StreamState } from "../../src/client/stream.ts";
import { stopComment } from "../../src/protocol/daemon-stop.ts";
import { HearthError } from "../../src/protocol/errors.ts";
import type { HearthEvent } from "../../src/protocol/events.ts";

let dir: string;
let socketPath: string;
let stopping: AbortController;
let closing: (() => void)[];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "hearth-stream-"));
  socketPath = join(dir, "d.sock");
  stopping = new AbortController();
  closing = [];
});
afterEach(() => {
  stopping.abort();
  for (const close of closing) close();
  rmSync(dir, { recursive: true, force: true });
});

type Answer = (response: ServerResponse, request: IncomingMessage, count: number) => void;

/** Answers each connection in turn; what connects is asked where it goes on. */
async function serveEvents(answer: Answer): Promise<{ asked: (string | undefined)[]; server: Server }> {
  const asked: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    response.on("error", () => {});
    const last = request.headers["last-event-id"];
    asked.push(typeof last === "string" ? last : undefined);
    answer(response, request, asked.length);
  });
  await new Promise<void>((resolve) => server.listen(socketPath, resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, server };
}

const head = (response: ServerResponse): ServerResponse => {
  response.writeHead(200, { "content-type": "text/event-stream" });
  response.write(":\n\n");
  return response;
};
const titled = (seq: number, text: string) => ({ seq, type: "plan.updated", time: "t", payload: { text } });
const frame = (event: { seq: number; type: string }) =>
  `id: ${event.seq}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;

function follow(more: Partial<OpenEventsOptions> = {}) {
  const events: HearthEvent[] = [];
  const states: StreamState[] = [];
  let wake = () => {};
  const stream = openEvents(
    {
      socketPath,
      workspaceId: "ws_00000000000000000000000000000000",
      clientId: "test",
      kind: "other",
      onEvent(event) {
        events.push(event);
        wake();
      },
      onState(state) {
        states.push(state);
        wake();
      },
      prepare: async () => ({ socketPath }),
      ...more,
    },
    stopping.signal,
  );
  const until = async (isTrue: () => boolean) => {
    while (!isTrue()) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  const seqs = () => events.map(({ seq }) => seq);
  return { stream, events, states, seqs, until };
}

test("it names itself, says where to begin, and hands out each event in order", async () => {
  const urls: (string | undefined)[] = [];
  const { asked } = await serveEvents((response, request) => {
    urls.push(request.url);
    head(response).write(frame(titled(8, "a")) + frame(titled(9, "b")));
  });
  const { stream, seqs, until, states } = follow({ since: 7, label: "tty 1", kind: "tui" });
  await stream.opened;
  await until(() => seqs().length === 2);
  expect(urls).toEqual([
    "/v1/workspaces/ws_00000000000000000000000000000000/events?client_id=test&kind=tui&label=tty+1&since=7",
  ]);
  expect(asked).toEqual(["7"]);
  expect(seqs()).toEqual([8, 9]);
  expect(stream.lastSeq()).toBe(9);
  expect(states).toEqual([{ state: "connected", attempt: 0 }]);
});

test("it is opened when the daemon has answered, before any event", async () => {
  const answered = Promise.withResolvers<ServerResponse>();
  await serveEvents((response) => answered.resolve(response));
  const { stream } = follow();
  let isOpen = false;
  void stream.opened.then(() => {
    isOpen = true;
  });
  const response = await answered.promise;
  expect(isOpen).toBe(false);
  response.writeHead(200).flushHeaders();
  await stream.opened;
});

test("after an abrupt loss it goes on behind the last event it has, and takes a repeat once", async () => {
  const { asked } = await serveEvents((response, _, count) => {
    head(response);
    if (count === 1) {
      response.write(`${frame(titled(1, "a"))}${frame(titled(2, "b"))}${frame(titled(3, "c")).slice(0, 20)}`);
      setImmediate(() => response.socket?.destroy());
    } else response.write(frame(titled(2, "b")) + frame(titled(3, "c")) + frame(titled(5, "d")));
  });
  let prepared = 0;
  const { seqs, until, states } = follow({
    prepare: async () => {
      prepared++;
      return { socketPath };
    },
  });
  await until(() => seqs().includes(5));
  expect(seqs()).toEqual([1, 2, 3, 5]);
  expect(asked).toEqual([undefined, "2"]);
  expect(prepared).toBe(1);
  expect(states.map(({ state }) => state)).toEqual(["connected", "lost", "retrying", "connected"]);
});

test("it waits longer from attempt to attempt, up to two seconds, and at once when told", async () => {
  await serveEvents((response, _, count) => {
    if (count === 1) head(response).end(frame(titled(1, "a")));
    else response.writeHead(500).end();
  });
  const waits: number[] = [];
  const { stream, states } = follow({
    onState(state) {
      states.push(state);
      if (state.state !== "retrying") return;
      waits.push(state.inMs);
      setImmediate(() => stream.retryNow());
    },
  });
  const began = performance.now();
  while (waits.length < 8) await new Promise((resolve) => setImmediate(resolve));
  const toldMs = waits.reduce((sum, ms) => sum + ms, 0);
  expect(performance.now() - began).toBeLessThan(toldMs);
  const bounds = [50, 100, 200, 400, 800, 1600, 2000, 2000];
  for (const [index, bound] of bounds.entries()) {
    expect(waits[index]).toBeLessThanOrEqual(bound);
    expect(waits[index]).toBeGreaterThanOrEqual(bound / 2);
  }
});

test("a loss before the first event of a stream that began at the present asks for a snapshot", async () => {
  await serveEvents((response, _, count) => {
    head(response);
    if (count === 1) setImmediate(() => response.socket?.destroy());
    else response.write(frame(titled(7, "later")));
  });
  const { events, until } = follow();
  await until(() => events.length === 2);
  expect(events.map(({ type }) => type)).toEqual(["resync", "plan.updated"]);
});

test("after a resync the stream goes on from where the daemon says, though that is lower", async () => {
  const { asked } = await serveEvents((response, _, count) => {
    head(response);
    const resync = { seq: 4, type: "resync", time: "t", payload: { reason: "never was" } };
    if (count === 1) response.end(frame(resync) + frame(titled(5, "a")));
    else response.write(frame(titled(6, "b")));
  });
  const { events, until } = follow({ since: 100 });
  await until(() => events.length === 3);
  expect(events.map(({ seq }) => seq)).toEqual([4, 5, 6]);
  expect(asked).toEqual(["100", "5"]);
});

test("it ends when the workspace closes, and does not come back", async () => {
  const closed = { seq: 2, type: "workspace.closing", time: "t", payload: {} };
  const { asked } = await serveEvents((response) =>
    head(response).end(frame(titled(1, "a")) + frame(closed)),
  );
  const { stream, seqs } = follow();
  expect(await stream.ended).toEqual({ reason: "workspace_closed" });
  expect(seqs()).toEqual([1, 2]);
  expect(asked).toHaveLength(1);
});

test("a workspace that is not there fails at once with the daemon's own sentence", async () => {
  const error = { code: "workspace_not_found", message: "There is no such workspace.", details: {} };
  await serveEvents((response) => response.writeHead(404).end(JSON.stringify({ error })));
  const { stream } = follow();
  await expect(stream.opened).rejects.toMatchObject(error);
  expect(await stream.ended).toMatchObject({ reason: "failed", error });
});

test("it gives up where trying again cannot help, and not where it can", async () => {
  await serveEvents((response, _, count) => {
    if (count === 1) head(response).end(frame(titled(1, "a")));
    else head(response).end(frame(titled(2, "b")));
  });
  const failures = [
    new HearthError("daemon_unreachable", "not yet"),
    new HearthError("daemon_stopping", "in a moment"),
    undefined,
    new HearthError("version_skew", "another version"),
  ];
  const { stream, seqs } = follow({
    prepare: async () => {
      const failure = failures.shift();
      if (failure !== undefined) throw failure;
      return { socketPath };
    },
  });
  expect(await stream.ended).toMatchObject({ reason: "failed", error: { code: "version_skew" } });
  expect(seqs()).toEqual([1, 2]);
});

const stopped = { reason: "stop", by: "hearth daemon stop on pts/2" } as const;

test("a daemon that was stopped on purpose is looked for and not started, until a person wants it", async () => {
  const { asked } = await serveEvents((response, _, count) => {
    head(response);
    if (count === 1) response.end(frame(titled(1, "a")) + stopComment(stopped));
    else response.write(frame(titled(2, "b")));
  });
  const looks: boolean[] = [];
  const looked = Promise.withResolvers<void>();
  const { stream, seqs, states, until } = follow({
    stoppedCheckMs: 1,
    prepare: async (_, { mayStart }) => {
      looks.push(mayStart);
      if (looks.length === 3) looked.resolve();
      if (!mayStart) throw new HearthError("daemon_unreachable", "No daemon runs.");
      return { socketPath };
    },
  });
  await looked.promise;
  expect(looks).toEqual([false, false, false]);
  expect(states.slice(1)).toEqual([{ state: "stopped", stop: stopped, isStarting: false }]);
  stream.retryNow();
  await until(() => seqs().includes(2));
  expect(looks.indexOf(true)).toBe(looks.length - 1);
  expect(states.at(-2)).toEqual({ state: "stopped", stop: stopped, isStarting: true });
  expect(states.at(-1)?.state).toBe("connected");
  expect([seqs(), asked]).toEqual([
    [1, 2],
    [undefined, "1"],
  ]);
});

test("a daemon that somebody else has started after a stop is joined", async () => {
  await serveEvents((response, _, count) => {
    head(response);
    if (count === 1) response.end(frame(titled(1, "a")) + stopComment(stopped));
    else response.write(frame(titled(2, "b")));
  });
  let isThere = false;
  const { seqs, states, until } = follow({
    stoppedCheckMs: 1,
    onState: (state) => {
      states.push(state);
      if (state.state === "stopped") isThere = true;
    },
    prepare: async (_, { mayStart }) => {
      expect(mayStart).toBe(false);
      if (!isThere) throw new HearthError("daemon_unreachable", "No daemon runs.");
      return { socketPath };
    },
  });
  await until(() => seqs().includes(2));
  expect(states.map(({ state }) => state)).toEqual(["connected", "stopped", "connected"]);
});

test.for(["restart", "idle", "fault"] as const)(
  "a daemon that ends for another reason (%s) is started again",
  async (reason) => {
    await serveEvents((response, _, count) => {
      head(response);
      if (count === 1) response.end(frame(titled(1, "a")) + stopComment({ reason, by: null }));
      else response.write(frame(titled(2, "b")));
    });
    const looks: boolean[] = [];
    const { seqs, until } = follow({
      prepare: async (_, { mayStart }) => {
        looks.push(mayStart);
        return { socketPath };
      },
    });
    await until(() => seqs().includes(2));
    expect(looks).toEqual([true]);
  },
);

test("a first connection to a stopping daemon is made to the next one", async () => {
  const error = { code: "daemon_stopping", message: "in a moment", details: { reason: "stop", by: null } };
  await serveEvents((response, _, count) => {
    if (count === 1) response.writeHead(409).end(JSON.stringify({ error }));
    else head(response).write(frame(titled(2, "b")));
  });
  const looks: boolean[] = [];
  const { stream, seqs, until } = follow({
    prepare: async (_, { mayStart }) => {
      looks.push(mayStart);
      return { socketPath };
    },
  });
  await stream.opened;
  await until(() => seqs().includes(2));
  expect(looks).toEqual([true]);
});

test("an abort ends it, also while it waits to try again", async () => {
  await serveEvents((response) => head(response).end());
  const { stream, states, until } = follow();
  await until(() => states.some(({ state }) => state === "retrying"));
  stopping.abort();
  expect(await stream.ended).toEqual({ reason: "aborted" });
});

test("while an event is being handled nothing more is read from the socket", async () => {
  const big = "x".repeat(256 * 1024);
  const count = 64;
  const server = Promise.withResolvers<ServerResponse>();
  await serveEvents((response) => server.resolve(head(response)));
  let isFree = Promise.withResolvers<void>();
  const { seqs } = follow({
    onEvent: (event) => {
      seen.push(event.seq);
      return isFree.promise;
    },
  });
  const seen: number[] = [];
  const response = await server.promise;
  for (let seq = 1; seq <= count; seq++) response.write(frame(titled(seq, big)));
  // What fits between the two has gone when the writer's own buffer no longer shrinks.
  let waiting = response.writableLength;
  for (let turns = 0; turns < 500 || seen.length === 0; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (response.writableLength !== waiting) turns = 0;
    waiting = response.writableLength;
  }
  expect(seen).toEqual([1]);
  expect(waiting).toBeGreaterThan((count / 2) * big.length);
  isFree.resolve();
  isFree = Promise.withResolvers();
  isFree.resolve();
  while (seen.length < count) await new Promise((resolve) => setImmediate(resolve));
  expect(seen).toEqual(Array.from({ length: count }, (_, index) => index + 1));
  expect(seqs()).toEqual([]);
});

test("however the bytes are cut and the connection is lost, each event arrives once and in order", async () => {
  const texts = fc.array(fc.string({ unit: "grapheme", maxLength: 12 }), { minLength: 1, maxLength: 12 });
  const cuts = fc.array(fc.nat({ max: 400 }), { maxLength: 6 });
  const losses = fc.array(fc.nat({ max: 900 }), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(texts, cuts, losses, async (all, cutAt, lossAt) => {
      const events = all.map((text, index) => titled(index * 3 + 1, text));
      const pending = [...lossAt];
      const { server } = await serveEvents((response, request) => {
        const after = Number(request.headers["last-event-id"] ?? 0);
        const bytes = Buffer.from(
          events
            .filter(({ seq }) => seq > after)
            .map(frame)
            .join(""),
        );
        head(response);
        const loss = pending.shift();
        const end = loss ?? bytes.length;
        const places = [...cutAt.filter((place) => place < end).toSorted((a, b) => a - b), end];
        let from = 0;
        for (const place of places) {
          response.write(bytes.subarray(from, place));
          from = place;
        }
        if (loss !== undefined) setImmediate(() => response.destroy());
      });
      const {
        stream,
        events: got,
        until,
      } = follow({
        since: 0,
        onState: ({ state }) => {
          if (state === "retrying") setImmediate(() => stream.retryNow());
        },
      });
      await until(() => got.length >= events.length);
      server.closeAllConnections();
      server.close();
      stopping.abort();
      await stream.ended;
      stopping = new AbortController();
      expect(got).toEqual(events);
    }),
    { numRuns: 40 },
  );
});
