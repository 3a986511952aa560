import { PassThrough } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createWire } from "../../src/acp/stdio.ts";
import { createMessageStream } from "../../src/agent/acp/connection/message-stream.ts";
import type { Wire } from "../../src/agent/acp/wire.ts";
import { longMessage } from "../../src/wire/long-message.ts";
import { createLineSplitter, type Line } from "../../src/wire/split-lines.ts";

function splitAll(chunks: readonly Buffer[], bytesMax: number): string[] {
  const splitter = createLineSplitter(bytesMax);
  const textOf = (line: Line) =>
    line.kind === "line" ? line.bytes.toString("utf8") : `OVERSIZE ${line.head}`;
  return chunks.flatMap((chunk) => [...splitter.push(chunk)].map(textOf));
}

describe("lines", () => {
  test("are the same however the bytes come", () => {
    const lines = fc.array(
      fc.string({ unit: "grapheme", maxLength: 30 }).map((text) => text.replaceAll("\n", " ")),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(lines, fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1 }), (wanted, sizes) => {
        const bytes = Buffer.from(wanted.map((line) => `${line}\n`).join(""));
        const chunks: Buffer[] = [];
        for (let at = 0, n = 0; at < bytes.length; n += 1) {
          const size = sizes[n % sizes.length] ?? 1;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        expect(splitAll(chunks, 1000)).toEqual(wanted);
      }),
    );
  });

  test("that are too long are known by their beginning alone, and the next one is whole", () => {
    const long = `{"id":7,${"x".repeat(5000)}`;
    for (const size of [1, 7, 64, 10_000]) {
      const bytes = Buffer.from(`before\n${long}\nafter\n`);
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, n) =>
        bytes.subarray(n * size, (n + 1) * size),
      );
      const [before, middle, after] = splitAll(chunks, 100);
      expect([before, after]).toEqual(["before", "after"]);
      expect(middle?.startsWith('OVERSIZE {"id":7,xxx')).toBe(true);
      expect(middle?.length).toBeLessThan(600);
    }
  });

  test("that are too long are known by their last bytes, too", () => {
    const line = fc.string({ minLength: 40, maxLength: 3000 }).map((text) => text.replaceAll("\n", " "));
    fc.assert(
      fc.property(line, fc.integer({ min: 1, max: 900 }), (text, size) => {
        const bytes = Buffer.from(`${text}\n`);
        const splitter = createLineSplitter(30);
        const found: Line[] = [];
        for (let at = 0; at < bytes.length; at += size)
          found.push(...splitter.push(bytes.subarray(at, at + size)));
        const tail = bytes.subarray(0, -1).subarray(-512).toString("utf8");
        expect(found).toMatchObject([{ kind: "oversize", tail }]);
      }),
    );
  });

  test("of just the length that is allowed are lines", () => {
    expect(splitAll([Buffer.from("12345\n123456\n")], 5)).toEqual(["12345", "OVERSIZE 123456"]);
  });
});

function openStream() {
  const stdin = new PassThrough();
  const stdout = new PassThrough();
  const updates: Wire[] = [];
  const noise: string[] = [];
  const broken: string[] = [];
  let now = 0;
  const { readable, writable } = createMessageStream({
    ...{ stdin, stdout, now: () => now },
    onUpdate: (params) => updates.push(params),
    onNoise: (text) => noise.push(text),
    onBroken: (why) => broken.push(why),
  });
  const reader = readable.getReader();
  const writer = writable.getWriter();
  return {
    ...{ updates, noise, broken, writer },
    hear: (...messages: unknown[]) =>
      void stdout.write(
        messages
          .map((message) => `${typeof message === "string" ? message : JSON.stringify(message)}\n`)
          .join(""),
      ),
    next: async () => (await reader.read()).value,
    end: () => stdout.end(),
    sent: () => String(stdin.read() ?? ""),
    later(ms: number) {
      now += ms;
    },
  };
}

describe("a message that is too long", () => {
  const x = "x".repeat(2000);
  /** What is known of it by the two ends that are kept. */
  const known = (line: string) => longMessage(line.slice(0, 512), line.slice(-512));

  test("is known by its id and kind wherever they stand, not by an id inside of it", () => {
    const text = { content: [{ type: "text", text: x, id: 9 }] };
    for (const [message, found] of [
      [
        { id: 7, method: "a", params: text },
        { id: 7, isRequest: true },
      ],
      [
        { method: "a", params: text, id: 7 },
        { id: 7, isRequest: true },
      ],
      [
        { params: { id: 9, ...text }, id: '7,"id":8}', method: "a" },
        { id: '7,"id":8}', isRequest: true },
      ],
      [
        { jsonrpc: "2.0", result: { id: 9, method: "b", ...text }, id: 7 },
        { id: 7, isRequest: false },
      ],
      [
        { _meta: { id: 9, "}": ["{", '"'] }, id: 7, result: text },
        { id: 7, isRequest: false },
      ],
      [
        { method: "session/update", params: { id: 9, ...text } },
        { id: undefined, isRequest: true },
      ],
      [
        { method: "a", id: null, params: text },
        { id: undefined, isRequest: true },
      ],
    ] as const)
      expect(known(JSON.stringify(message))).toEqual(found);
  });

  test("whose ends are no JSON is one without an id", () => {
    const odd = [`{"id":"\\x","method":"a","p":"${x}`, `{"id":01,"method":"a",${x}`, x, `${x}"id":7}`];
    for (const line of [...odd, `{"p":"${x}, \\"id\\":7}`]) expect(known(line).id).toBeUndefined();
    fc.assert(
      fc.property(fc.string(), fc.string(), (head, tail) => void longMessage(`{${head}`, `${tail}}`)),
    );
  });

  test("of an editor gets an error, and the next one is heard", async () => {
    const stdin = new PassThrough({ highWaterMark: 256 * 1024 });
    const stdout = new PassThrough();
    const reader = createWire(stdin, stdout).readable.getReader();
    const output = stdout[Symbol.asyncIterator]();
    const filler = Buffer.alloc(1024 * 1024, "x");
    const long = async (head: string) => {
      stdin.write(head);
      for (let mib = 0; mib <= 48; mib += 1)
        if (!stdin.write(filler)) await new Promise((resolve) => stdin.once("drain", resolve));
      stdin.write("\n");
    };
    const read = reader.read();
    const written = (async () => {
      await long('{"jsonrpc":"2.0","id":7,"method":"a","params":"');
      await long('{"jsonrpc":"2.0","id":"\\x","method":"a","params":"');
      await long('{"jsonrpc":"2.0","id":5,"result":"');
    })();
    const error = { code: -32600, message: expect.stringContaining("48 MiB") };
    // The answer to a question of ours fails, so that nobody waits for it.
    expect((await read).value).toEqual({ jsonrpc: "2.0", id: 5, error });
    await written;
    const answers = String((await output.next()).value ?? "");
    expect(
      answers
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([
      { jsonrpc: "2.0", id: 7, error },
      { jsonrpc: "2.0", id: null, error },
    ]);
    stdin.end('{"jsonrpc":"2.0","id":8,"method":"b"}\n');
    expect((await reader.read()).value).toMatchObject({ id: 8 });
  });

  test("of an agent ends no connection, and nobody waits for its answer", async () => {
    const stream = openStream();
    const request = { jsonrpc: "2.0" as const, id: 1, method: "session/prompt", params: {} };
    await stream.writer.write(request);
    const filler = "x".repeat(16 * 1024 * 1024);
    stream.hear(`{"id":"\\x","method":"a","params":"${filler}`, `{"result":"${filler}","id":1}`);
    expect(await stream.next()).toMatchObject({ id: 1, error: { code: -32600 } });
    expect(stream.broken).toEqual([]);
  });
});

describe("the stream of messages", () => {
  const request = (id: number) => ({ jsonrpc: "2.0" as const, id, method: "session/prompt", params: {} });
  const answer = (id: unknown) => ({ jsonrpc: "2.0", id, result: {} });
  const update = (n: number) => ({ jsonrpc: "2.0", method: "session/update", params: { n } });

  test("keeps updates in order and apart from what has to be answered", async () => {
    const stream = openStream();
    await stream.writer.write(request(1));
    stream.hear(update(1), update(2), answer(1), update(3), request(9));
    expect(await stream.next()).toEqual(answer(1));
    expect(await stream.next()).toEqual(request(9));
    expect(stream.updates).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(stream.sent()).toBe(`${JSON.stringify(request(1))}\n`);
  });

  test("lets an answer through once, and only to a question", async () => {
    const stream = openStream();
    await stream.writer.write(request(1));
    stream.hear(answer(5), answer(1), answer(1), answer("1"), request(2));
    expect(await stream.next()).toEqual(answer(1));
    expect(await stream.next()).toEqual(request(2));
    expect(stream.broken).toEqual([]);
  });

  test("gives up after twenty malformed messages within a minute, not in two", async () => {
    const slow = openStream();
    for (let n = 0; n < 40; n += 1) {
      slow.hear("{ no json", request(n));
      await slow.next();
      slow.later(4000);
    }
    expect(slow.broken).toEqual([]);
    const quick = openStream();
    for (let n = 0; n < 20; n += 1) quick.hear("{ no json");
    quick.hear(request(1));
    await quick.next();
    expect(quick.broken).toEqual(["sent 20 malformed messages within a minute"]);
  });

  test("passes over what is no message, and keeps its beginning", async () => {
    const stream = openStream();
    stream.hear("Listening on port 1", "", `Long ${"x".repeat(5000)}`, request(1));
    expect(await stream.next()).toEqual(request(1));
    expect(stream.noise[0]).toBe("Listening on port 1\n");
    expect(stream.noise[1]?.length).toBeLessThan(600);
    expect(stream.broken).toEqual([]);
  });

  test("ends with the agent's output", async () => {
    const stream = openStream();
    stream.end();
    expect(await stream.next()).toBeUndefined();
  });
});
