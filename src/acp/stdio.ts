import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import type { Readable, Writable } from "node:stream";
import { createMessagePipe, errorAnswer, type Json, TOO_LONG } from "../wire/message-pipe.ts";

/** The daemon takes 32 MiB, and base64 in JSON is no longer than it was. */
const LINE_BYTES_MAX = 48 * 1024 * 1024;

export type Wire = { readable: ReadableStream<Json>; writable: WritableStream<Json> };

/**
 * JSON-RPC over an editor's pipes. A line that is no message is answered with an error and costs nobody else anything.
 */
export function createWire(stdin: Readable, stdout: Writable): Wire {
  async function take(text: string): Promise<Json | undefined> {
    let message: unknown;
    try {
      message = JSON.parse(text);
    } catch {
      await pipe.refuse(null, -32700, "Parse error: this line is not JSON.");
      return undefined;
    }
    if (typeof message === "object" && message !== null && !Array.isArray(message)) return message as Json;
    const why = Array.isArray(message) ? "batches are not part of the protocol" : "a message is an object";
    await pipe.refuse(null, -32600, `Invalid request: ${why}.`);
    return undefined;
  }
  const pipe = createMessagePipe<Json>({
    ...{ input: stdin, output: stdout, peer: "the editor", bytesMax: LINE_BYTES_MAX, take },
    async takeLong({ id, isRequest }, message) {
      if (id === undefined) await pipe.refuse(null, TOO_LONG, message);
      return isRequest || id === undefined ? undefined : errorAnswer(id, TOO_LONG, message);
    },
  });
  return pipe;
}

/**
 * Standard output as a stream that does not block the process: Node writes to a pipe synchronously, so an editor that
 * does not read would keep it from noticing anything else.
 */
export function openStdout(): Writable {
  const stat = fstatSync(1);
  return stat.isFIFO() || stat.isSocket()
    ? new Socket({ fd: 1, readable: false, writable: true })
    : process.stdout;
}
