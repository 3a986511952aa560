import type { Readable, Writable } from "node:stream";
import type { AnyMessage, Stream } from "@agentclientprotocol/sdk/unstable";
import type { Id } from "../../../wire/long-message.ts";
import { createMessagePipe, errorAnswer, TOO_LONG } from "../../../wire/message-pipe.ts";
import { isWire, textOf, type Wire } from "../wire.ts";

const LINE_BYTES_MAX = 16 * 1024 * 1024;
/** With this many within a minute, the agent does not speak the protocol. */
const MALFORMED_MAX = 20;
const MALFORMED_WINDOW_MS = 60_000;
const NOISE_CHARS_MAX = 500;

type MessageStreamDeps = {
  stdin: Writable;
  stdout: Readable;
  /**
   * Gets every `session/update`, in order. The library would drop update kinds that it does not know.
   */
  onUpdate(params: Wire): void;
  /** A line that is not JSON. */
  onNoise(text: string): void;
  /** Too many messages were malformed. */
  onBroken(why: string): void;
  now(): number;
};

/**
 * JSON-RPC over a child's pipes. Malformed messages are counted and dropped: lines that are too long, responses to
 * unknown requests, second responses.
 */
export function createMessageStream(deps: MessageStreamDeps): Stream {
  const { stdin, stdout, now } = deps;
  /** Our requests that have no answer yet. */
  const waiting = new Set<Id>();
  let malformed: number[] = [];

  function countMalformed() {
    const at = now();
    malformed = [...malformed.filter((time) => at - time < MALFORMED_WINDOW_MS), at];
    if (malformed.length >= MALFORMED_MAX)
      deps.onBroken(`sent ${MALFORMED_MAX} malformed messages within a minute`);
  }

  /** The message to pass to the library; undefined if it was handled here. */
  function messageOf(text: string): AnyMessage | undefined {
    if (!text.startsWith("{") && !text.startsWith("[")) {
      deps.onNoise(`${text.slice(0, NOISE_CHARS_MAX)}\n`);
      return undefined;
    }
    const message = parse(text);
    if (!isWire(message) || message["jsonrpc"] !== "2.0") {
      countMalformed();
      return undefined;
    }
    const method = textOf(message["method"]);
    if (method === "session/update" && !("id" in message)) {
      if (isWire(message["params"])) deps.onUpdate(message["params"]);
      else countMalformed();
      return undefined;
    }
    if (method === undefined && !isAnswer(message)) {
      countMalformed();
      return undefined;
    }
    return message as AnyMessage; // a request, a notification or a response to one of ours: the library validates it
  }

  /** The first response to a pending request. */
  function isAnswer(message: Wire): boolean {
    if (!("id" in message) || "result" in message === "error" in message) return false;
    return waiting.delete(message["id"] as Id); // an id of another type is not in the set
  }

  return createMessagePipe<AnyMessage>({
    ...{ input: stdout, output: stdin, peer: "the agent", bytesMax: LINE_BYTES_MAX, take: messageOf },
    takeLong({ id, isRequest }, message) {
      countMalformed();
      if (isRequest || id === undefined || !waiting.delete(id)) return undefined;
      return errorAnswer(id, TOO_LONG, message);
    },
    onSend(message) {
      if ("method" in message && "id" in message) waiting.add(message.id);
    },
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
