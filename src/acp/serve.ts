import type { Json } from "../wire/message-pipe.ts";
import type { Editor } from "./editor.ts";
import type { Sessions } from "./sessions.ts";
import type { Wire } from "./stdio.ts";

export type ServeDeps = {
  sessionsFor(editor: Editor): Sessions;
  log(text: string): void;
};

/** The newest version of the protocol that is spoken here. */
export const NEWEST = 2;

/**
 * Waits for a proper `initialize` and says which version to speak: the newest that both know. What comes before is
 * refused. The returned wire begins with it; undefined: the editor has gone.
 */
export async function negotiate(wire: Wire): Promise<{ version: 1 | 2; wire: Wire } | undefined> {
  const reader = wire.readable.getReader();
  const writer = wire.writable.getWriter();
  const refuse = (id: unknown, code: number, message: string) =>
    writer.write({ jsonrpc: "2.0", id, error: { code, message } });
  for (;;) {
    const { value: message, done } = await reader.read();
    if (done) return undefined;
    const { id, method } = message;
    const asked = Object(message["params"]).protocolVersion as unknown;
    if (typeof method !== "string") {
      if (!("result" in message || "error" in message))
        await refuse(null, -32600, "Invalid request: it has no method.");
    } else if (id === undefined) continue;
    else if (typeof id !== "string" && typeof id !== "number")
      await refuse(null, -32600, "Invalid request: an id is a string or a number.");
    else if (method !== "initialize")
      await refuse(id, -32600, `Invalid request: initialize comes before ${method}.`);
    else if (typeof asked !== "number" || !Number.isInteger(asked) || asked < 0)
      await refuse(id, -32602, "Invalid params: protocolVersion must be a whole number.");
    else {
      reader.releaseLock();
      writer.releaseLock();
      const version = asked >= NEWEST ? NEWEST : 1;
      return { version, wire: { readable: startingWith(message, wire.readable), writable: wire.writable } };
    }
  }
}

function startingWith(first: Json, rest: ReadableStream<Json>): ReadableStream<Json> {
  const reader = rest.getReader();
  return new ReadableStream<Json>({
    start: (controller) => controller.enqueue(first),
    async pull(controller) {
      const { value, done } = await reader.read();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  });
}
