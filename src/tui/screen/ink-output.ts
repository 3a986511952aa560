import { EventEmitter } from "node:events";

/**
 * The stream that Ink writes to instead of the terminal. Ink writes whole frames; our screen writes what has changed to
 * the terminal. Ink runs in its debug mode, the only one in which a write is exactly one frame.
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
  // Getters, since Ink reads the size for each frame; Object.assign would copy the values.
  Object.defineProperties(stream, {
    columns: { get: () => options.size().columns },
    rows: { get: () => options.size().rows },
  });
  // Ink uses only these members of a stream that is no TTY.
  return stream as unknown as NodeJS.WriteStream & { close(): void };
}

/** An empty stream for Ink: our own input tap reads the keys. */
export const createInkInput = (): NodeJS.ReadStream => new EventEmitter() as unknown as NodeJS.ReadStream;
