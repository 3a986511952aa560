import type { IncomingMessage } from "node:http";
import { finished } from "node:stream";
import { HearthError } from "../../protocol/errors.ts";

export const BODY_BYTES_MAX = 32 * 1024 * 1024;

/**
 * The request's JSON, or undefined if there is none. Throws HearthError body_too_large as early as possible,
 * unsupported_media_type or invalid_request; the caller discards the rest of the body. Must be called in the request's
 * own tick, or a client that hangs up right after its last byte is not heard.
 */
export async function readJsonBody(incoming: IncomingMessage): Promise<unknown> {
  const { "content-length": length, "content-type": type, "content-encoding": encoding } = incoming.headers;
  if (Number(length) > BODY_BYTES_MAX) throw tooLarge();
  if (type !== undefined && !isJson(type)) throw notJson(`not "${type}"`);
  if (encoding !== undefined && encoding !== "identity")
    throw notJson(`without content-encoding "${encoding}"`);
  const bytes = await readBytes(incoming);
  if (bytes.length === 0) return undefined;
  if (type === undefined) throw notJson("and said to be");
  return parse(bytes);
}

const isJson = (type: string): boolean => /^application\/json\s*(;|$)/i.test(type);

const tooLarge = () =>
  new HearthError("body_too_large", "The request's body is over 32 MiB; send less at once.", {
    details: { bytes_max: BODY_BYTES_MAX },
  });

const notJson = (how: string) =>
  new HearthError("unsupported_media_type", `The request's body must be application/json, ${how}.`);

function readBytes(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const take = (chunk: Buffer) => {
      size += chunk.length;
      if (size > BODY_BYTES_MAX) {
        incoming.off("data", take).pause();
        reject(tooLarge());
      } else chunks.push(chunk);
    };
    incoming.on("data", take);
    finished(incoming, { writable: false }, (error) => {
      if (error) reject(new HearthError("invalid_request", "The request's body did not arrive whole."));
      else resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks));
    });
  });
}

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HearthError("invalid_request", `The request's body is not valid JSON: ${why}.`, {
      details: { field: "body" },
    });
  }
}
