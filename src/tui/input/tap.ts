import { createDecoder, type InputEvent } from "./decode.ts";

/** An Escape that nothing follows for so long is the key itself. Terminals send a sequence in one piece. */
const ESCAPE_MS = 8;
/** A sequence cut in the middle (a slow line) may take this long to arrive. */
const SEQUENCE_MS = 100;
/** A paste whose end mark was lost is over when nothing comes for so long. */
const PASTE_MS = 1000;

/** The part of a TTY's input that the tap uses. */
export type RawInput = {
  setRawMode?: ((isRaw: boolean) => unknown) | undefined;
  on(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  on(event: "end" | "close", listener: () => void): unknown;
  off(event: "data", listener: (chunk: Uint8Array) => void): unknown;
  off(event: "end" | "close", listener: () => void): unknown;
  resume(): unknown;
  pause(): unknown;
};

export type InputTap = {
  /** Gives the terminal to somebody else (an editor, the shell) until `resume`. */
  suspend(): void;
  resume(): void;
  /** Ends raw mode and stops reading. */
  close(): void;
};

/**
 * The one reader of the keyboard. `typed` is what came before it was there and is read first. `onEnd` is called
 * when the terminal is gone.
 */
export function createInputTap(options: {
  input: RawInput;
  typed: readonly Uint8Array[];
  onEvents: (events: readonly InputEvent[]) => void;
  onEnd: () => void;
}): InputTap {
  const { input, onEvents, onEnd } = options;
  const decoder = createDecoder();
  let timer: NodeJS.Timeout | undefined;
  let isReading = false;

  const deliver = (events: InputEvent[]) => {
    if (events.length > 0) onEvents(events);
  };
  const settle = () => {
    timer = undefined;
    deliver(decoder.flush());
  };
  const read = (chunk: Uint8Array) => {
    clearTimeout(timer);
    timer = undefined;
    const events = decoder.push(chunk);
    // Armed before the events are handled: a slow handler must not make an Escape late.
    const { pending } = decoder;
    if (pending !== "nothing") {
      const waitMs = pending === "escape" ? ESCAPE_MS : pending === "sequence" ? SEQUENCE_MS : PASTE_MS;
      timer = setTimeout(settle, waitMs);
    }
    deliver(events);
  };
  const start = () => {
    if (isReading) return;
    isReading = true;
    input.setRawMode?.(true);
    input.on("data", read);
    input.resume();
  };
  const stop = () => {
    if (!isReading) return;
    isReading = false;
    clearTimeout(timer);
    timer = undefined;
    input.off("data", read);
    input.pause();
    input.setRawMode?.(false);
  };

  input.on("end", onEnd);
  input.on("close", onEnd);
  start();
  for (const chunk of options.typed) read(chunk);
  return {
    suspend: stop,
    resume: start,
    close() {
      input.off("end", onEnd);
      input.off("close", onEnd);
      stop();
    },
  };
}
