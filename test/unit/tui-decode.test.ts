import fc from "fast-check";
import { expect, test } from "vitest";
import { createDecoder, type InputEvent } from "../../src/tui/input/decode.ts";

const bytes = (text: string) => Buffer.from(text, "utf8");

/** Neighbouring text is one event or several depending on how it came; it is the same text. */
function merged(events: readonly InputEvent[]): InputEvent[] {
  const result: InputEvent[] = [];
  for (const event of events) {
    const last = result.at(-1);
    if (event.type === "text" && last?.type === "text")
      result[result.length - 1] = { type: "text", text: last.text + event.text };
    else result.push(event);
  }
  return result;
}

function decode(text: string): InputEvent[] {
  const decoder = createDecoder();
  const events = decoder.push(bytes(text));
  return merged([...events, ...decoder.flush()]);
}

const chords = (text: string): string[] =>
  decode(text).map((event) =>
    event.type === "key" ? event.chord : event.type === "text" ? `"${event.text}"` : event.type,
  );

test.each([
  ["\r", ["enter"]],
  ["\n", ["ctrl+j"]],
  ["\t", ["tab"]],
  ["\x7f", ["backspace"]],
  ["\x08", ["ctrl+h"]],
  ["\x03", ["ctrl+c"]],
  ["\x1f", ["ctrl+_"]],
  ["\x1b", ["escape"]],
  ["\x1b\x1b", ["escape", "escape"]],
  ["\x1b\r", ["alt+enter"]],
  ["\x1b\x7f", ["alt+backspace"]],
  ["\x1bb", ["alt+b"]],
  ["\x1bB", ["alt+shift+b"]],
  ["\x1b[A", ["up"]],
  ["\x1bOA", ["up"]],
  ["\x1b[1;5C", ["ctrl+right"]],
  ["\x1b[1;2A", ["shift+up"]],
  ["\x1b\x1b[A", ["alt+up"]],
  ["\x1b[Z", ["shift+tab"]],
  ["\x1b[3~", ["delete"]],
  ["\x1b[3;5~", ["ctrl+delete"]],
  ["\x1b[5~", ["page_up"]],
  ["\x1bOP", ["f1"]],
  ["\x1b[15~", ["f5"]],
  ["\x1b[[A", ["f1"]],
  // The kitty keyboard protocol.
  ["\x1b[27u", ["escape"]],
  ["\x1b[13;2u", ["shift+enter"]],
  ["\x1b[13;5u", ["ctrl+enter"]],
  ["\x1b[99;5u", ["ctrl+c"]],
  ["\x1b[97;3u", ["alt+a"]],
  ["\x1b[106;5u", ["ctrl+j"]],
  ["\x1b[127;3u", ["alt+backspace"]],
  ["\x1b[57414u", ["enter"]],
  ["\x1b[57400u", ['"1"']],
  ["\x1b[97;5:3u", []],
  ["\x1b[99;133u", ["ctrl+c"]], // caps lock held
  // xterm's modifyOtherKeys and tmux's extended keys.
  ["\x1b[27;2;13~", ["shift+enter"]],
  ["\x1b[27;5;13~", ["ctrl+enter"]],
  ["\x1b[27;5;99~", ["ctrl+c"]],
  ["\x1b[27;6;95~", ["ctrl+shift+_"]],
  ["\x1b[I", ["focus"]],
  ["\x1b[<35;20;3M", []],
  ["\x1b[?1u", ["reply"]],
  ["\x1b[12;40R", ["reply"]],
  ["\x1b]11;rgb:0000/0000/0000\x07", ["reply"]],
  ["\x1bP>|xterm\x1b\\", ["reply"]],
  ["a\x1b[Ab", ['"a"', "up", '"b"']],
  ["日本", ['"日本"']],
  ["\x1b[200~a\r\nb\x1b[201~", ["paste"]],
] as const)("%j is read as %j", (text, expected) => {
  expect(chords(text)).toEqual(expected);
});

test("a paste is given verbatim, escape sequences in it included", () => {
  expect(decode("\x1b[200~x\x1b[A\ty\x1b[201~z")).toEqual([
    { type: "paste", text: "x\x1b[A\ty" },
    { type: "text", text: "z" },
  ]);
});

test("a paste whose end mark never comes is given when nothing more arrives, and typing goes on", () => {
  const decoder = createDecoder();
  expect(decoder.push(bytes("\x1b[200~lost"))).toEqual([]);
  expect(decoder.pending).toBe("paste");
  expect(decoder.flush()).toEqual([{ type: "paste", text: "lost" }]);
  expect(decoder.pending).toBe("endless_paste");
  expect(decoder.flush()).toEqual([]);
  expect(decoder.push(bytes("a"))).toEqual([{ type: "text", text: "a" }]);
});

test("a paste that pauses goes on as a paste, whatever of its end mark came before the pause", () => {
  const decoder = createDecoder();
  decoder.push(bytes("\x1b[200~one\r"));
  expect(decoder.flush()).toEqual([{ type: "paste", text: "one\r" }]);
  expect(decoder.push(bytes("two\r\x1b[20"))).toEqual([]);
  expect(decoder.flush()).toEqual([{ type: "paste", text: "two\r" }]);
  expect(decoder.push(bytes("1~three"))).toEqual([{ type: "text", text: "three" }]);
});

test("Escape or Ctrl+C alone gets out of a paste that has no end", () => {
  for (const [key, chord] of [
    ["\x1b", "escape"],
    ["\x03", "ctrl+c"],
  ] as const) {
    const decoder = createDecoder();
    decoder.push(bytes("\x1b[200~lost"));
    decoder.flush();
    expect([...decoder.push(bytes(key)), ...decoder.flush()]).toEqual([{ type: "key", chord }]);
    expect(decoder.push(bytes("\r"))).toEqual([{ type: "key", chord: "enter" }]);
  }
});

test("an Escape waits for what may follow and is the key when nothing does", () => {
  const decoder = createDecoder();
  expect(decoder.push(bytes("\x1b"))).toEqual([]);
  expect(decoder.pending).toBe("escape");
  expect(decoder.flush()).toEqual([{ type: "key", chord: "escape" }]);
  expect(decoder.pending).toBe("nothing");
});

const piece = fc.oneof(
  fc.string({ unit: "grapheme", minLength: 1, maxLength: 5 }),
  fc.constantFrom(
    "\r",
    "\n",
    "\t",
    "\x7f",
    "\x03",
    "\x1b[A",
    "\x1bOB",
    "\x1b[1;5D",
    "\x1b[13;2u",
    "\x1b[27;2;13~",
    "\x1b[3~",
    "\x1bb",
    "\x1b\r",
    "\x1b\x1b[C",
    "\x1b[I",
    "\x1b[O",
    "\x1b[200~pasted\nüñ\x1b[A\x1b[201~",
    "\x1b]0;t\x07",
    "\x1bP1$r\x1b\\",
    "\x1b[?62;4c",
    "\x1b[<0;1;1M",
    "\x1b[M !!",
    "👩‍👩‍👧",
    "é",
    "\x1b[[B",
    "\x1b]8;;x\x1b\\",
    "\x1b[200~\x1b[20\x1b[201~",
  ),
);

test("however the bytes are cut, the same events come out", () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.array(fc.nat(), { maxLength: 12 }), (pieces, cuts) => {
      const whole = bytes(pieces.join(""));
      const oneDecoder = createDecoder();
      const expected = merged([...oneDecoder.push(whole), ...oneDecoder.flush()]);
      const decoder = createDecoder();
      const events: InputEvent[] = [];
      const at = [...new Set(cuts.map((cut) => cut % (whole.length + 1)))].sort((a, b) => a - b);
      let start = 0;
      for (const end of [...at, whole.length]) {
        events.push(...decoder.push(whole.subarray(start, end)));
        start = end;
      }
      events.push(...decoder.flush());
      expect(merged(events)).toEqual(expected);
    }),
    { numRuns: 2000 },
  );
});

test("no bytes at all can make it throw or hold on to text for ever", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 6 }), (chunks) => {
      const decoder = createDecoder();
      for (const chunk of chunks) decoder.push(chunk);
      decoder.flush();
      expect(decoder.pending).toBe("nothing");
      expect(
        decoder.push(bytes("q")).some((event) => event.type === "text" && event.text.endsWith("q")),
      ).toBe(true);
    }),
    { numRuns: 1000 },
  );
});
