import { ignoreError, inBackground } from "../../../../async/in-background.ts";
import { createTimeSlice } from "../../../../async/time-slice.ts";
import { settlesWithin } from "../../../../async/wait.ts";
import { noUsage } from "../../../../protocol/usage.ts";
import {
  failureOf,
  failureOfAnswer,
  failureOfCut,
  failureOfEvent,
  failureOfPage,
  type RequestOrigin,
} from "../errors/failure.ts";
import type { ExchangeObserver, ModelChunk } from "../model.ts";
import type { ModelFetch } from "../network/model-fetch.ts";
import { createEventReader, type WireEvent } from "./events.ts";
import type { WireReader } from "./reader.ts";

/** At most this much of an error's body is read. */
const ERROR_CHARS_MAX = 256 * 1024;
/** How much text that is no event is kept, to report what came instead of an answer. */
const STRAY_CHARS_MAX = 2_000;
/**
 * After the provider has said how its answer ended, it may stay silent for this long before the answer counts as
 * finished.
 */
const END_GRACE_MS = 5_000;
/** How long to wait for a response's end, after which its connection can be reused. */
const LINGER_MS_MAX = 1_000;

export type WrittenRequest = { url: string; init: RequestInit };
export type ExchangeDeps = {
  fetch: ModelFetch;
  createReader(): WireReader;
  origin: RequestOrigin;
  observer?: ExchangeObserver | undefined;
};

type Bytes = ReadableStreamDefaultReader<Uint8Array>;

async function errorText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  if (response.body !== null)
    for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += decoder.decode(bytes, { stream: true });
      if (text.length > ERROR_CHARS_MAX) break;
    }
  return text;
}

const sizeOf = (body: RequestInit["body"]): number =>
  typeof body === "string" ? body.length : body instanceof Uint8Array ? body.byteLength : 0;

/** Reads a response to its end if that is near, so that its connection can be reused. Never rejects. */
async function drain(bytes: Bytes): Promise<void> {
  const toItsEnd = async () => {
    while (!(await bytes.read()).done);
  };
  // Errors do not matter here: the answer is complete.
  if (!(await settlesWithin(toItsEnd(), LINGER_MS_MAX))) await bytes.cancel().catch(() => {});
}

/** The next bytes; undefined if the answer has ended and nothing more comes. */
async function nextBytes(bytes: Bytes, isEnding: boolean) {
  if (!isEnding) return bytes.read();
  const next = bytes.read();
  return (await settlesWithin(next, END_GRACE_MS)) ? next : undefined;
}

/**
 * Sends one request and yields the answer as it streams. Throws ModelFailure, or the abort's reason. Output that came
 * before an error is yielded before it is thrown.
 */
export async function* exchange(
  { url, init }: WrittenRequest,
  { fetch, createReader, origin, observer }: ExchangeDeps,
  signal: AbortSignal,
): AsyncGenerator<ModelChunk> {
  let bytes: Bytes | undefined;
  let hasBegun = false;
  let isWhole = false;
  try {
    const sent = Object.fromEntries(new Headers(init.headers));
    observer?.sent({ url, headers: sent, body: init.body, secrets: origin.secrets ?? [] });
    const response = await fetch(url, { ...init, signal });
    const headers = Object.fromEntries(response.headers);
    observer?.answered(response.status, headers);
    if (response.status >= 300) {
      const body = await errorText(response);
      observer?.received(body);
      throw failureOfAnswer({ status: response.status, headers, body }, origin);
    }
    const reader = createReader();
    const events = createEventReader();
    const decoder = new TextDecoder();
    let usage = noUsage;
    let hasSpoken = false;
    let stray = "";

    function* say(found: readonly WireEvent[]): Generator<ModelChunk> {
      for (const event of found) {
        if (reader.isOver()) return;
        if (event.kind === "done") reader.done();
        else if (event.kind === "other") stray = (stray + event.text).slice(0, STRAY_CHARS_MAX);
        else {
          const chunks = reader.read(event.value, event.name);
          if (chunks === undefined) continue;
          const latest = reader.usage();
          if (!hasSpoken) yield { type: "progress", usage: latest, askedBytes: sizeOf(init.body) };
          else if (latest !== usage) yield { type: "progress", usage: latest };
          else if (chunks.length === 0) yield { type: "progress" };
          hasSpoken = true;
          usage = latest;
          yield* chunks;
          const error = reader.error();
          if (error !== undefined) throw failureOfEvent(error, origin);
        }
      }
    }

    bytes = (response.body ?? new Response("").body)?.getReader() as Bytes | undefined;
    // A megabyte that was held back arrives at once: read without a pause, it would block the event loop.
    const slice = createTimeSlice();
    while (bytes !== undefined && !reader.isOver()) {
      const isEnding = reader.ending() !== undefined;
      const read = await nextBytes(bytes, isEnding).catch((error: unknown) => {
        signal.throwIfAborted();
        // After the answer's end a broken connection does not matter.
        if (!isEnding) throw error;
        return undefined;
      });
      if (read === undefined || read.done) {
        yield* say(events.feed(decoder.decode()));
        yield* say(events.end());
        break;
      }
      hasBegun = true;
      const text = decoder.decode(read.value, { stream: true });
      observer?.received(text);
      yield* say(events.feed(text));
      await slice.rest();
    }

    const ending = reader.ending();
    if (ending === undefined) throw stray === "" ? failureOfCut(origin) : failureOfPage(stray, origin);
    if (ending.kind === "failed") throw failureOfCut(origin, ending.why);
    yield* reader.close();
    isWhole = true;
    const cost = reader.cost?.();
    yield {
      type: "finished",
      end: ending.end,
      usage: reader.usage(),
      ...(cost === undefined ? {} : { cost }),
      ...(reader.isPaused?.() ? { isPaused: true } : {}),
      ...(reader.isCallLike?.() ? { isCallLike: true } : {}),
      ...(reader.isOllama?.() ? { isOllama: true } : {}),
      ...(ending.note === undefined ? {} : { note: ending.note }),
    };
  } catch (error) {
    signal.throwIfAborted();
    throw failureOf(error, origin, hasBegun);
  } finally {
    // If reading stopped early, the connection is closed; an error here is the one already thrown.
    inBackground(async () => (isWhole && bytes !== undefined ? drain(bytes) : bytes?.cancel()), ignoreError);
  }
}
