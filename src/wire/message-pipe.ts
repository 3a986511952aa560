import type { Readable, Writable } from "node:stream";
import { type Id, type LongMessage, longMessage } from "./long-message.ts";
import { createLineSplitter } from "./split-lines.ts";

export type Json = { [key: string]: unknown };

/** Invalid request. */
export const TOO_LONG = -32600;

export const errorAnswer = (id: Id, code: number, message: string) =>
  ({ jsonrpc: "2.0", id, error: { code, message } }) as const;

export type PipeOptions<Message> = {
  input: Readable;
  output: Writable;
  /** The program at the other end, for errors. */
  peer: string;
  bytesMax: number;
  /** Judges a line that is not blank. undefined: it is no message, and dealt with. */
  take(text: string): Message | undefined | Promise<Message | undefined>;
  /** A line was too long. A request has been answered; for an answer, its error has to take its place. */
  takeLong(long: LongMessage, message: string): Message | undefined | Promise<Message | undefined>;
  /** A message is about to be sent. */
  onSend?(message: Message): void;
};

export type MessagePipe<Message> = {
  /** Reads no faster than its consumer. */
  readable: ReadableStream<Message>;
  writable: WritableStream<Message>;
  /** Answers a request with an error. Never rejects: that the other end is gone is noticed where it is read. */
  refuse(id: Id, code: number, message: string): Promise<void>;
};

/** JSON-RPC over two pipes, one message a line: what both sides of the Agent Client Protocol have in common. */
export function createMessagePipe<Message>(options: PipeOptions<Message>): MessagePipe<Message> {
  const { input, output, peer, bytesMax } = options;

  async function send(message: unknown): Promise<void> {
    if (output.destroyed || output.writableEnded) throw new Error(`${peer} no longer reads`);
    if (output.write(`${JSON.stringify(message)}\n`)) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onClose = () => reject(new Error(`${peer} no longer reads`));
    output.once("drain", resolve).once("close", onClose);
    await promise.finally(() => output.off("drain", resolve).off("close", onClose));
  }
  const refuse = (id: Id, code: number, message: string) =>
    send(errorAnswer(id, code, message)).catch(() => {}); // see the type

  /** Whoever sent a request would wait for ever if nobody answered. */
  async function takeLong(head: string, tail: string): Promise<Message | undefined> {
    const long = longMessage(head, tail);
    const message = `Invalid request: a message may be ${bytesMax / 1024 / 1024} MiB long at most.`;
    if (long.isRequest && long.id !== undefined) await refuse(long.id, TOO_LONG, message);
    return options.takeLong(long, message);
  }

  async function* read(): AsyncGenerator<Message> {
    const splitter = createLineSplitter(bytesMax);
    for await (const chunk of input) {
      for (const line of splitter.push(chunk as Buffer)) {
        const text = line.kind === "line" ? line.bytes.toString("utf8").trim() : "";
        if (line.kind === "line" && text === "") continue;
        const message = await (line.kind === "line" ? options.take(text) : takeLong(line.head, line.tail));
        if (message !== undefined) yield message;
      }
    }
  }

  const messages = read();
  return {
    readable: new ReadableStream<Message>({
      async pull(controller) {
        const { value, done } = await messages.next();
        if (done) controller.close();
        else controller.enqueue(value);
      },
      async cancel() {
        input.destroy();
        await messages.return(undefined);
      },
    }),
    writable: new WritableStream<Message>({
      write(message) {
        options.onSend?.(message);
        return send(message);
      },
    }),
    refuse,
  };
}
