import { EventEmitter } from "node:events";

/**
 * What Ink takes for its terminal. Ink lays out and paints a frame and writes it here whole; our screen decides what
 * of it reaches the real terminal. Ink is run in its debug mode for that: the one mode in which a write is a frame
 * and nothing else.
 */
export function createInkOutput(options: {
  size: () => { columns: number; rows: number };
  onFrame: (rows: string[]) => void;
}): NodeJS.WriteStream & { close(): void } {
  let isOpen = true;
  const stream = Object.assign(new EventEmitter(), {
    isTTY: false,
    writable: true,
    write(chunk: string, done?: () => void) {
      if (isOpen) options.onFrame(chunk.split("\n"));
      if (typeof done === "function") done();
      return true;
    },
    close() {
      isOpen = false;
    },
  });
  // Asked for at each frame; among the members above they would be copied once, as values.
  Object.defineProperties(stream, {
    columns: { get: () => options.size().columns },
    rows: { get: () => options.size().rows },
  });
  // Only the members above are used by Ink for what is no TTY.
  return stream as unknown as NodeJS.WriteStream & { close(): void };
}

/** Ink reads no keys: our own tap does. It still wants to see a stream. */
export const createInkInput = (): NodeJS.ReadStream => new EventEmitter() as unknown as NodeJS.ReadStream;
