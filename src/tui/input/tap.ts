import { createDecoder, type InputEvent, type Pending } from "./decode.ts";

/** An Escape that nothing follows for so long is the key itself. Terminals send a sequence in one piece. */
const ESCAPE_MS = 8;
/** A sequence cut in the middle (a slow line) may take this long to arrive. */
const SEQUENCE_MS = 100;
/** A report cut in the middle: nobody types one, so that there is time for the rest, which would be text otherwise. */
const REPORT_MS = 1000;
/** What a paste has brought is shown when nothing comes for so long … */
const PASTE_MS = 1000;
/** … and when still nothing comes, its end mark was lost. */
const ENDLESS_PASTE_MS = 10_000;
/** Lines that come within so long of each other were pasted by a terminal that does not say so. */
export const BURST_MS = 15;
/** Fewer were typed ahead. */
export const BURST_LINES_MIN = 3;

const waits: { readonly [P in Exclude<Pending, "nothing">]: number } = {
  escape: ESCAPE_MS,
  sequence: SEQUENCE_MS,
  report: REPORT_MS,
  paste: PASTE_MS,
  endless_paste: ENDLESS_PASTE_MS,
};

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
  /** Lines that came together, until it is known whether more of them do. */
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
    // Armed before the events are handled: a slow handler must not make an Escape late.
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

/** Nothing but characters, tabs and line ends. */
const isText = (chunk: Uint8Array): boolean =>
  chunk.every(
    (byte) => (byte >= 0x20 && byte !== 0x7f) || byte === RETURN || byte === NEWLINE || byte === TAB,
  );

/** A line end that did not come alone, as a key does. */
const isMoreThanAKey = (chunk: Uint8Array): boolean => chunk.length > 1 && chunk.includes(RETURN);

/** More lines than a person types ahead. */
function isPaste(bytes: Uint8Array): boolean {
  const ends = bytes.filter((byte) => byte === RETURN).length;
  return ends + (bytes.at(-1) === RETURN ? 0 : 1) >= BURST_LINES_MIN;
}

/** As a terminal that brackets what is pasted would have sent it. */
const asPaste = (bytes: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from("\x1b[200~"), bytes, Buffer.from("\x1b[201~")]);
