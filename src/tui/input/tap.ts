import { createDecoder, type InputEvent, type Pending } from "./decode.ts";

/** An ESC is the Escape key if nothing follows for this long. Terminals send a sequence in one piece. */
const ESCAPE_MS = 8;
/** How long the rest of a sequence may take on a slow connection. */
const SEQUENCE_MS = 100;
/** How long the rest of a report may take. Nobody types one, so there is time; its rest would be taken for text. */
const REPORT_MS = 1000;
/** After this silence the part of a paste that has come is shown … */
const PASTE_MS = 1000;
/** … and after this silence its end mark is considered lost. */
const ENDLESS_PASTE_MS = 10_000;
/** Lines that come this close to each other are a paste by a terminal without bracketed paste. */
export const BURST_MS = 15;
/** Fewer lines are taken for typed ahead. */
export const BURST_LINES_MIN = 3;

const waits: { readonly [P in Exclude<Pending, "nothing">]: number } = {
  escape: ESCAPE_MS,
  sequence: SEQUENCE_MS,
  report: REPORT_MS,
  paste: PASTE_MS,
  endless_paste: ENDLESS_PASTE_MS,
};

/** The members of `process.stdin` that the tap uses. */
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
  /** Stops reading until `resume`, while another program (an editor, the shell) uses the terminal. */
  suspend(): void;
  resume(): void;
  /** Ends raw mode and stops reading. */
  close(): void;
};

/**
 * The only reader of the keyboard. `typed` was read before the tap existed and is decoded first. `onEnd` is called when
 * the terminal is gone.
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
  const wait = () => {
    const { pending } = decoder;
    if (pending !== "nothing") timer = setTimeout(settle, waits[pending]);
  };
  const settle = () => {
    timer = undefined;
    const events = decoder.flush();
    wait();
    deliver(events);
  };
  /** Lines that came close together, held until it is known whether they are a paste. */
  let burst: Uint8Array[] = [];
  const endBurst = () => {
    timer = undefined;
    const bytes = Buffer.concat(burst);
    burst = [];
    if (bytes.length > 0) deliver(decoder.push(isPaste(bytes) ? asPaste(bytes) : bytes));
  };
  const read = (chunk: Uint8Array) => {
    clearTimeout(timer);
    timer = undefined;
    const mayBePaste = decoder.pending === "nothing" && isText(chunk);
    if (mayBePaste && (burst.length > 0 || isMoreThanAKey(chunk))) {
      burst.push(chunk);
      timer = setTimeout(endBurst, BURST_MS);
      return;
    }
    endBurst();
    const events = decoder.push(chunk);
    // The timer starts before the events are handled: a slow handler must not delay an Escape.
    wait();
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
    endBurst();
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
      burst = [];
      stop();
    },
  };
}

const RETURN = 0x0d;
const NEWLINE = 0x0a;
const TAB = 0x09;

/** Whether it holds only characters, tabs and line ends. */
const isText = (chunk: Uint8Array): boolean =>
  chunk.every(
    (byte) => (byte >= 0x20 && byte !== 0x7f) || byte === RETURN || byte === NEWLINE || byte === TAB,
  );

/** A chunk with a line end and more: an Enter key comes alone. */
const isMoreThanAKey = (chunk: Uint8Array): boolean => chunk.length > 1 && chunk.includes(RETURN);

/** Whether these are more lines than a person types ahead. */
function isPaste(bytes: Uint8Array): boolean {
  const ends = bytes.filter((byte) => byte === RETURN).length;
  return ends + (bytes.at(-1) === RETURN ? 0 : 1) >= BURST_LINES_MIN;
}

/** The same bytes as a bracketed paste. */
const asPaste = (bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from("\x1b[200~"), bytes, Buffer.from("\x1b[201~")]);
