import { describe, expect, test } from "vitest";
import { sanitizeLine, sanitizeText, spellOut } from "../../src/tui/text/sanitize.ts";

describe("text from models and tools", () => {
  const harmless: [name: string, text: string, safe: string][] = [
    ["colours", "\x1b[1;31mred\x1b[0m", "red"],
    ["colours in 8 bit form", "\x9b31mred", "red"],
    ["cursor movement and clearing", "a\x1b[2J\x1b[H\x1b[3Jb", "ab"],
    ["a clipboard write", "a\x1b]52;c;ZXZpbA==\x07b", "ab"],
    ["a title, ended by ST", "a\x1b]0;evil\x1b\\b", "ab"],
    ["a hyperlink", "\x1b]8;;http://evil\x1b\\good.com\x1b]8;;\x1b\\", "good.com"],
    ["a device control string", "a\x1bP1$tq\x1b\\b", "ab"],
    ["a string sequence in 8 bit form", "a\x9d0;t\x9cb\x90q\x9cc", "abc"],
    ["a reset", "a\x1bcb", "ab"],
    ["a character set switch", "a\x1b(0b", "ab"],
    ["a lone escape", "a\x1b", "a"],
    ["bells and other controls", "a\x07\x00\x0e\x7fb", "ab"],
    ["bidirectional controls", "a\u202edc\u202cb\u2066x\u2069\u061c", "adcbx"],
    ["zero-width characters", "in\u200bvis\u2060ible\ufeff", "invisible"],
    ["tags that hide text", "a\u{e0061}\u{e0062}b", "ab"],
    ["variation selectors that carry data", "a\u{e0101}\u{e0110}b\ufe0f", "ab"],
    ["half a character", "a\ud83d", "a\ufffd"],
    ["a tower of marks", `a${"\u0301".repeat(50)}`, `a${"\u0301".repeat(6)}`],
  ];
  test.each(harmless)("loses %s", (_, text, safe) => {
    expect(sanitizeText(text)).toBe(safe);
  });

  const kept = [
    "line one\nline two\n\ttabbed",
    "👨‍👩‍👧‍👦 👍🏽 🇩🇪 🏴󠁧󠁢󠁥󠁮󠁧󠁿 ☁️ 1️⃣ ❤️‍🔥",
    "日本語 한국어 العربية עברית हिन्दी ไทย",
    "می\u200cخواهم",
    "क्\u200dष",
    "e\u0301 — “quotes” …",
  ];
  test.each(kept)("keeps %s", (text) => {
    expect(sanitizeText(text)).toBe(text);
  });

  test("that an unterminated sequence would swallow is back on the next line", () => {
    expect(sanitizeText("a\x1b]0;title\nshown\x1bPdata\nalso shown\x1b[38;2;1")).toBe("a\nshown\nalso shown");
  });

  test("of a progress bar is what the bar ends with", () => {
    expect(sanitizeText(" 10%\r 20%\r100% done\nnext")).toBe("100% done\nnext");
    expect(sanitizeText("downloading...\r\x1b[Kdone")).toBe("done");
    expect(sanitizeText("downloading...\rdone")).toBe("doneloading...");
    expect(sanitizeText("old\x1b[2K\rnew")).toBe("new");
    expect(sanitizeText("abc\b\bX")).toBe("aXc");
    expect(sanitizeText("windows\r\nlines\r\n")).toBe("windows\nlines\n");
  });

  test("for one line stays on one line", () => {
    expect(sanitizeLine("a\n  b\tc\x1b[2J")).toBe("a b c");
  });
});

test("what a person is asked to allow shows what it hides", () => {
  expect(spellOut("rm \u202e-rf\x1b[2K\r\n\tx\u200b\u{e0061}")).toBe(
    "rm \\u202e-rf\\x1b[2K\\r\n\tx\\u200b\\u{e0061}",
  );
});
