// Long because it is one grammar: what terminals send for keys, pastes and reports, byte by byte.
import { StringDecoder } from "node:string_decoder";

/**
 * One input event of the terminal. `chord` is canonical: modifiers in the order ctrl, alt, shift, super, then the key,
 * joined by "+" ("ctrl+c", "alt+enter", "shift+tab", "f5"). Plain characters are `text`.
 */
export type InputEvent =
  | { type: "key"; chord: string }
  | { type: "text"; text: string }
  | { type: "paste"; text: string }
  | { type: "focus"; focused: boolean }
  /** The terminal's reply to a query, without its ESC. */
  | { type: "reply"; sequence: string };

/** What the decoder waits for. The tap decides how long, then calls `flush`. */
export type Pending = "nothing" | "escape" | "sequence" | "report" | "paste" | "endless_paste";

export type Decoder = {
  push(chunk: Uint8Array): InputEvent[];
  /** Nothing more has come in time: returns events for the pending bytes as they are. */
  flush(): InputEvent[];
  readonly pending: Pending;
};

const ESC = "\x1b";
const PASTE_START = `${ESC}[200~`;
const PASTE_END = `${ESC}[201~`;
/** Longer than any known report; a longer sequence is dropped as noise. */
const SEQUENCE_MAX = 1024 * 1024;

/** A mouse report, a key with modifiers or a focus report whose ESC came earlier. Nobody types that. */
const REPORT_TAIL = /^\[(?:<[\d;]+[Mm]|\??[\d;]+[A-Za-z~]|[IO]$)/;

const controlNames: Readonly<Record<string, string>> = {
  "\t": "tab",
  "\r": "enter",
  "\x7f": "backspace",
  "\x00": "ctrl+space",
  "\x1c": "ctrl+\\",
  "\x1d": "ctrl+]",
  "\x1e": "ctrl+^",
  "\x1f": "ctrl+_",
};
const finalNames: Readonly<Record<string, string>> = {
  A: "up",
  B: "down",
  C: "right",
  D: "left",
  E: "clear",
  F: "end",
  H: "home",
  P: "f1",
  Q: "f2",
  R: "f3",
  S: "f4",
};
const tildeNames: Readonly<Record<number, string>> = {
  1: "home",
  2: "insert",
  3: "delete",
  4: "end",
  5: "page_up",
  6: "page_down",
  7: "home",
  8: "end",
  11: "f1",
  12: "f2",
  13: "f3",
  14: "f4",
  15: "f5",
  17: "f6",
  18: "f7",
  19: "f8",
  20: "f9",
  21: "f10",
  23: "f11",
  24: "f12",
};
/** Keypad in application mode: SS3 j … y. */
const keypadText = "*+,-./0123456789";
/** The kitty protocol's private code points for the keypad and for keys without a character. */
const kittyText = "0123456789./*-+";
const kittyNames: Readonly<Record<number, string>> = {
  9: "tab",
  13: "enter",
  27: "escape",
  32: "space",
  127: "backspace",
  57414: "enter",
  57417: "left",
  57418: "right",
  57419: "up",
  57420: "down",
  57421: "page_up",
  57422: "page_down",
  57423: "home",
  57424: "end",
  57425: "insert",
  57426: "delete",
};

type Modifiers = { ctrl: boolean; alt: boolean; shift: boolean; super: boolean };
const plain: Modifiers = { ctrl: false, alt: false, shift: false, super: false };

/** xterm's modifier parameter: 1 plus a bit each; caps and num lock are ignored. */
const modifiersOf = (parameter: number | undefined): Modifiers => {
  const bits = Math.max(0, (parameter ?? 1) - 1);
  return {
    shift: (bits & 1) !== 0,
    alt: (bits & 2) !== 0 || (bits & 32) !== 0,
    ctrl: (bits & 4) !== 0,
    super: (bits & 8) !== 0,
  };
};

const chordOf = (name: string, held: Modifiers): string =>
  `${held.ctrl ? "ctrl+" : ""}${held.alt ? "alt+" : ""}${held.shift ? "shift+" : ""}${held.super ? "super+" : ""}${name}`;

const key = (name: string, held: Modifiers = plain): InputEvent => ({
  type: "key",
  chord: chordOf(name, held),
});

/** A character with modifiers. Shift alone makes no chord: the character shows it. */
function character(char: string, held: Modifiers): InputEvent {
  if (!held.ctrl && !held.alt && !held.super)
    return { type: "text", text: held.shift ? char.toUpperCase() : char };
  const lower = char.toLowerCase();
  const isUpper = lower !== char;
  return key(char === " " ? "space" : lower, { ...held, shift: held.shift || isUpper });
}

function controlKey(char: string, alt: boolean): InputEvent {
  const named = controlNames[char];
  const name = named ?? `ctrl+${String.fromCharCode(char.charCodeAt(0) + 0x60)}`;
  if (!alt) return { type: "key", chord: name };
  return { type: "key", chord: name.startsWith("ctrl+") ? `ctrl+alt+${name.slice(5)}` : `alt+${name}` };
}

/** Decodes what a terminal sends. However the bytes are cut into chunks, the events are the same. */
export function createDecoder(): Decoder {
  const utf8 = new StringDecoder("utf8");
  /** An incomplete sequence, from its ESC on. */
  let held = "";
  /** Pasted text that was not emitted yet; undefined outside a paste. */
  let pasted: string | undefined;
  /** Nothing of the paste has come for a while: its end mark may be lost. */
  let isEndMarkOverdue = false;
  /** An Escape was emitted, but its sequence may have been split after the ESC: the rest may come next. */
  let mayBeTail = false;

  function push(chunk: Uint8Array): InputEvent[] {
    const events: InputEvent[] = [];
    const input = utf8.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    const tail = mayBeTail ? (REPORT_TAIL.exec(input)?.[0] ?? "") : "";
    mayBeTail = false;
    // Escape or Ctrl+C ends a paste whose end mark was lost.
    if (isEndMarkOverdue && (input === ESC || input === "\x03")) pasted = undefined;
    isEndMarkOverdue = false;
    read(held + input.slice(tail.length), events);
    return events;
  }

  function read(input: string, events: InputEvent[]): void {
    held = "";
    let rest = input;
    while (rest !== "") {
      if (pasted !== undefined) {
        rest = readPaste(rest, events);
        continue;
      }
      const length = lengthOf(rest);
      if (length === undefined) {
        if (rest.length <= SEQUENCE_MAX) held = rest;
        return;
      }
      const token = rest.slice(0, length);
      rest = rest.slice(length);
      if (token === PASTE_START) pasted = "";
      else emit(token, events);
    }
  }

  function readPaste(rest: string, events: InputEvent[]): string {
    const text = (pasted ?? "") + rest;
    // The end mark may be split between chunks: only the end of the older text is searched again.
    const end = text.indexOf(PASTE_END, Math.max(0, (pasted ?? "").length - PASTE_END.length));
    if (end < 0) {
      pasted = text;
      return "";
    }
    pasted = undefined;
    if (end > 0) events.push({ type: "paste", text: text.slice(0, end) });
    return text.slice(end + PASTE_END.length);
  }

  function flush(): InputEvent[] {
    const events: InputEvent[] = [];
    if (pasted !== undefined) {
      // Emits what has come and goes on waiting: a slow connection may pause in the middle of a paste. A part of the
      // end mark may have come already.
      const end = markStart(pasted);
      const text = pasted.slice(0, end);
      if (text !== "") events.push({ type: "paste", text });
      pasted = isEndMarkOverdue ? undefined : pasted.slice(end);
      isEndMarkOverdue = !isEndMarkOverdue;
      return events;
    }
    const waiting = held;
    held = "";
    mayBeTail = waiting === ESC;
    if (waiting === ESC) events.push(key("escape"));
    else if (waiting === ESC + ESC) events.push(key("escape"), key("escape"));
    else if (waiting.length === 2) events.push(character(waiting.slice(1), { ...plain, alt: true }));
    else if (waiting.length === 3 && waiting.startsWith(ESC + ESC)) {
      events.push(key("escape"), character(waiting.slice(2), { ...plain, alt: true }));
    }
    // A longer one is an incomplete report: noise.
    return events;
  }

  return {
    push,
    flush,
    get pending(): Pending {
      if (pasted !== undefined) return isEndMarkOverdue ? "endless_paste" : "paste";
      if (held === "") return "nothing";
      if (held === ESC || held === ESC + ESC) return "escape";
      return /^\x1b+[[\]P_^]/.test(held) ? "report" : "sequence";
    },
  };
}

/** The index at which an end mark, perhaps incomplete, begins at the end of the text. */
function markStart(text: string): number {
  for (let length = Math.min(PASTE_END.length - 1, text.length); length > 0; length -= 1) {
    if (text.endsWith(PASTE_END.slice(0, length))) return text.length - length;
  }
  return text.length;
}

/** The length of the first token of `input`; undefined when more is needed. A run of plain text is one token. */
function lengthOf(input: string): number | undefined {
  if (input[0] !== ESC) {
    if (isControl(input, 0)) return 1;
    let end = 1;
    while (end < input.length && !isControl(input, end)) end += 1;
    return end;
  }
  const second = input[1];
  if (second === undefined) return undefined;
  if (second === ESC) {
    // ESC ESC [ … is Alt and a cursor key in some terminals; ESC ESC before anything else is two Escapes.
    const third = input[2];
    if (third === undefined) return undefined;
    if (third !== "[" && third !== "O") return 1;
    const inner = sequenceLength(input, 1);
    return inner === undefined ? undefined : inner + 1;
  }
  return sequenceLength(input, 0);
}

/** The length of the sequence that starts with the ESC at `at`. */
function sequenceLength(input: string, at: number): number | undefined {
  const length = (end: number) => end - at;
  const second = input[at + 1];
  switch (second) {
    case undefined:
      return undefined;
    case "[":
      return csiLength(input, at);
    case "O": {
      const final = input[at + 2];
      if (final === undefined) return undefined;
      // A digit is a modifier that some terminals put before the final letter.
      if (final >= "0" && final <= "9") return input[at + 3] === undefined ? undefined : 4;
      return final === ESC ? 2 : 3;
    }
    case "]":
    case "P":
    case "_":
    case "^": {
      for (let index = at + 2; index < input.length; index += 1) {
        const char = input[index];
        if (char === "\x07") return length(index + 1);
        if (char !== ESC) continue;
        const next = input[index + 1];
        if (next === undefined) return undefined;
        if (next === "\\") return length(index + 2);
        return length(index);
      }
      return undefined;
    }
    default: {
      const code = input.codePointAt(at + 1) ?? 0;
      return code > 0xffff ? 3 : 2;
    }
  }
}

function csiLength(input: string, at: number): number | undefined {
  // The Linux console's function keys: ESC [ [ A.
  if (input[at + 2] === "[") return input[at + 3] === undefined ? undefined : 4;
  for (let index = at + 2; index < input.length; index += 1) {
    const code = input.charCodeAt(index);
    if (code >= 0x40 && code <= 0x7e) {
      // The old mouse report has three more bytes.
      if (input[index] !== "M" || index !== at + 2) return index + 1 - at;
      return input.length >= index + 4 ? index + 4 - at : undefined;
    }
    // A byte that cannot be part of a sequence ends it: the sequence is dropped, the byte is decoded again.
    if (code < 0x20 || code > 0x7e) return index - at;
  }
  return undefined;
}

function isControl(input: string, index: number): boolean {
  const code = input.charCodeAt(index);
  return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

function emit(token: string, events: InputEvent[]): void {
  if (token[0] !== ESC) {
    if (!isControl(token, 0)) events.push({ type: "text", text: token });
    else if (token.charCodeAt(0) <= 0x7f) events.push(controlKey(token, false));
    return;
  }
  if (token === ESC) events.push(key("escape"));
  else if (token.startsWith(ESC + ESC)) {
    const inner: InputEvent[] = [];
    emit(token.slice(1), inner);
    for (const event of inner) events.push(event.type === "key" ? withAlt(event.chord) : event);
  } else if (token[1] === "[") emitCsi(token.slice(2), events);
  else if (token[1] === "O") emitSs3(token.slice(2), events);
  else if (token[1] === "]" || token[1] === "P" || token[1] === "_" || token[1] === "^") {
    if (token.length > 2) events.push({ type: "reply", sequence: token.slice(1) });
    else events.push(character(token.slice(1), { ...plain, alt: true }));
  } else {
    const char = token.slice(1);
    events.push(isControl(char, 0) ? controlKey(char, true) : character(char, { ...plain, alt: true }));
  }
}

function withAlt(chord: string): InputEvent {
  if (chord.includes("alt+")) return { type: "key", chord };
  return { type: "key", chord: chord.startsWith("ctrl+") ? `ctrl+alt+${chord.slice(5)}` : `alt+${chord}` };
}

function emitSs3(body: string, events: InputEvent[]): void {
  if (body === "") {
    events.push(key("o", { ...plain, alt: true, shift: true }));
    return;
  }
  const final = body.at(-1) ?? "";
  const held = body.length > 1 ? modifiersOf(Number(body[0])) : plain;
  const name = finalNames[final];
  if (name !== undefined) events.push(key(name, held));
  else if (final === "M") events.push(key("enter", held));
  else {
    const text = keypadText[final.charCodeAt(0) - 0x6a];
    if (text !== undefined && final >= "j") events.push({ type: "text", text });
  }
}

function emitCsi(body: string, events: InputEvent[]): void {
  const final = body.at(-1) ?? "";
  const inside = body.slice(0, -1);
  if (body.startsWith("[")) {
    const index = "ABCDE".indexOf(body[1] ?? "");
    if (index >= 0) events.push(key(`f${index + 1}`));
    return;
  }
  if (final === "I" && inside === "") events.push({ type: "focus", focused: true });
  else if (final === "O" && inside === "") events.push({ type: "focus", focused: false });
  else if (/^[<=>?]/.test(inside) || /[ -/]/.test(inside)) {
    // Mouse reports, left on by another program, are dropped; the others are replies to a query.
    if (final !== "M" && final !== "m") events.push({ type: "reply", sequence: `[${body}` });
  } else if (final === "Z") events.push(key("tab", { ...plain, shift: true }));
  else if (final === "u") emitKitty(inside, events);
  else if (final === "~") emitTilde(inside, events);
  else if (final === "R" && inside.includes(";")) events.push({ type: "reply", sequence: `[${body}` });
  else {
    const name = finalNames[final];
    if (name === undefined) {
      if (final === "n" || final === "c" || final === "t")
        events.push({ type: "reply", sequence: `[${body}` });
      return;
    }
    const [modifier, kind] = numbers(inside.split(";")[1]);
    if (kind !== 3) events.push(key(name, modifiersOf(modifier)));
  }
}

function emitTilde(inside: string, events: InputEvent[]): void {
  const fields = inside.split(";");
  const [code] = numbers(fields[0]);
  const [modifier, kind] = numbers(fields[1]);
  if (kind === 3) return;
  if (code === 27 && fields.length >= 3) {
    // xterm's modifyOtherKeys, and tmux's extended keys in their default format.
    const [point] = numbers(fields[2]);
    if (point !== undefined) emitCodePoint(point, modifiersOf(modifier), events);
    return;
  }
  const name = tildeNames[code ?? 0];
  if (name !== undefined) events.push(key(name, modifiersOf(modifier)));
}

function emitKitty(inside: string, events: InputEvent[]): void {
  const fields = inside.split(";");
  const [code, shifted] = numbers(fields[0]);
  const [modifier, kind] = numbers(fields[1]);
  if (code === undefined || kind === 3) return;
  const held = modifiersOf(modifier);
  const keypad = code >= 57399 && code <= 57413 ? kittyText[code - 57399] : undefined;
  if (keypad !== undefined) events.push(character(keypad, held));
  else if (held.shift && !held.ctrl && !held.alt && !held.super && shifted !== undefined && shifted >= 0x20) {
    events.push({ type: "text", text: String.fromCodePoint(shifted) });
  } else emitCodePoint(code, held, events);
}

function emitCodePoint(code: number, held: Modifiers, events: InputEvent[]): void {
  const name = kittyNames[code];
  if (name === "space") events.push(character(" ", held));
  else if (name !== undefined) events.push(key(name, held));
  else if (code >= 57344 && code <= 63743)
    return; // a media, lock or modifier key on its own
  else if (code > 0x20 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff)) {
    events.push(character(String.fromCodePoint(code), held));
  } else if (code < 0x20) {
    const control = controlKey(String.fromCharCode(code), held.alt);
    if (control.type === "key")
      events.push({ type: "key", chord: held.shift ? addShift(control.chord) : control.chord });
  }
}

const addShift = (chord: string): string => {
  const cut = chord.lastIndexOf("+", chord.length - 2) + 1;
  return `${chord.slice(0, cut)}shift+${chord.slice(cut)}`;
};

/** "13:2" → [13, 2]; undefined for a part that is no number. */
function numbers(field: string | undefined): (number | undefined)[] {
  return (field ?? "").split(":").map((digits) => (/^\d{1,7}$/.test(digits) ? Number(digits) : undefined));
}
