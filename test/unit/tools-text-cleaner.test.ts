import fc from "fast-check";
import { expect, test } from "vitest";
import { createTextCleaner } from "../../src/agent/tools/command/text-cleaner.ts";

function clean(...chunks: (string | Buffer)[]): string {
  const cleaner = createTextCleaner();
  return chunks.map((chunk) => cleaner.push(Buffer.from(chunk))).join("") + cleaner.end();
}

test.each([
  ["plain text\nand more", "plain text\nand more"],
  ["\x1b[1;31mred\x1b[0m", "red"],
  ["\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"],
  ["\x1b]0;title\x07text", "text"],
  ["\x1b(Bcharset\x1b=", "charset"],
  ["\x1bPsixel data\x1b\\after", "after"],
  ["10%\r50%\r100%\n", "100%\n"],
  ["line\r\nnext\r\n", "line\nnext\n"],
  ["progress\r\x1b[Kdone", "done"],
  ["ab\b\bcd", "cd"],
  ["bell\x07 null\0 tab\t", "bell null tab\t"],
  ["kept\r", "kept"],
  ["unclosed \x1b[3", "unclosed "],
])("%j becomes %j", (raw, text) => {
  expect(clean(raw)).toBe(text);
});

test("a character of several bytes may come in pieces", () => {
  const bytes = Buffer.from("é🔥\n");
  expect(clean(...[...bytes].map((byte) => Buffer.from([byte])))).toBe("é🔥\n");
});

test("text comes out line by line, and a line without end in large pieces", () => {
  const cleaner = createTextCleaner();
  expect(cleaner.push(Buffer.from("a\nb"))).toBe("a\n");
  expect(cleaner.push(Buffer.from("c\n"))).toBe("bc\n");
  expect(cleaner.push(Buffer.alloc(100_000, "x")).length).toBeGreaterThan(65_000);
});

test("a title that never ends does not swallow the rest", () => {
  expect(clean(`\x1b]0;${"x".repeat(70_000)}`, "y".repeat(10))).toMatch(/y{10}$/);
});

test("property: how the bytes are cut into pieces changes nothing", () => {
  const piece = fc.constantFrom(
    "a",
    "word ",
    "\n",
    "\r",
    "\r\n",
    "\x1b[0m",
    "\x1b]0;t\x07",
    "\x1b",
    "é",
    "\b",
    "\t",
    "\x9b1m",
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 20 }),
      fc.array(fc.nat(60), { maxLength: 6 }),
      (pieces, cuts) => {
        const bytes = Buffer.from(pieces.join(""));
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted(
          (a, b) => a - b,
        );
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(clean(...chunks)).toBe(clean(bytes));
        expect(clean(bytes)).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
      },
    ),
    { numRuns: 2000 },
  );
});
