import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { lineText, span, wrapLine, wrapVerbatim } from "../../src/tui/text/line.ts";
import {
  expandTabs,
  graphemesOf,
  sliceEnd,
  sliceStart,
  truncateEnd,
  truncateMiddle,
  widthOf,
} from "../../src/tui/text/width.ts";
import { createEmulator } from "../support/emulator.ts";

describe("columns", () => {
  const table: [name: string, text: string, width: number][] = [
    ["Latin", "naïve", 5],
    ["Chinese", "中文", 4],
    ["Japanese with punctuation", "日本語、です。", 14],
    ["Korean syllables", "한국어", 6],
    ["half-width kana with a voiced mark", "ｱﾞ", 2],
    ["a family joined by ZWJ, as far as it is drawn apart", "👨‍👩‍👧‍👦", 4],
    ["a skin tone beside its emoji", "👍🏽", 4],
    ["a flag", "🇩🇪", 2],
    ["half a flag, as while streaming", "🇩", 2],
    ["the flag of England", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2],
    ["a cloud as emoji", "☁️", 2],
    ["a cloud as text", "☁", 1],
    ["a keycap", "1️⃣", 2],
    ["combining marks", "e\u0301\u0302", 1],
    ["Arabic", "مرحبا", 5],
    ["Hebrew with points", "שָׁלוֹם", 4],
    ["Devanagari with a vowel sign", "नि", 2],
    ["Thai with a mark", "ก็", 1],
    ["Thai sara am", "ทำน้ำ", 4],
    ["Lao sara am", "ຄຳ", 2],
    ["a Devanagari conjunct", "क्षि", 3],
    ["a Bengali conjunct", "স্ত্রী", 4],
    ["Khmer", "ខ្មែរ", 4],
    ["Hangul by its letters", "\u1100\u1161\u11a8", 2],
    ["the glyphs of the screen", "●✓✗■○›∴✻│─…·−", 13],
  ];
  test.each(table)("%s", (_, text, width) => {
    expect(widthOf(text)).toBe(width);
    expect(graphemesOf(text).reduce((sum, grapheme) => sum + grapheme.width, 0)).toBe(width);
  });

  test("are at least as many as Ink counts, and as a terminal counts that goes by characters", async () => {
    const odd = fc.constantFrom(
      ...[
        "ทำ",
        "น้ำ",
        "ຄຳ",
        "क्षि",
        "স্ত্রী",
        "ខ្មែរ",
        "మ్మ",
        "👍🏽",
        "👩‍👩‍👧",
        "🇩🇪",
        "☁️",
        "1️⃣",
        "é",
        "e\u0301",
        "日本",
      ],
      ...["한", "x", " ", "—", "ﾞ", "♀", "●"],
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(odd, { maxLength: 12 }).map((parts) => parts.join("")),
        async (value) => {
          const emulator = createEmulator(80, 2);
          await emulator.write(value);
          expect(widthOf(value)).toBeGreaterThanOrEqual(emulator.cursor().column);
          emulator.dispose();
          expect(widthOf(value)).toBeGreaterThanOrEqual(stringWidth(value, { countAnsiEscapeCodes: true }));
          expect(
            graphemesOf(value)
              .map((grapheme) => grapheme.text)
              .join(""),
          ).toBe(value);
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe("cutting", () => {
  test("keeps whole characters", () => {
    expect(sliceStart("日本語", 3)).toBe("日");
    expect(sliceEnd("日本語", 3)).toBe("語");
    expect(sliceStart("a👨‍👩‍👧‍👦b", 2)).toBe("a");
    expect(sliceStart("a👨‍👩‍👧‍👦b", 5)).toBe("a👨‍👩‍👧‍👦");
  });

  test("of a sentence takes the end, of a path the middle", () => {
    expect(truncateEnd("npm test -- --watch", 10)).toBe("npm test …");
    expect(truncateMiddle("src/tui/text/blocks/render-block.ts", 20)).toBe("src/tu…nder-block.ts");
    expect(truncateEnd("short", 10)).toBe("short");
    expect(truncateEnd("long enough", 2, "...")).toBe("lo");
  });

  test("tabs go to the next multiple of four", () => {
    expect(expandTabs("a\tb\t\tc")).toBe("a   b       c");
    expect(expandTabs("日\tx")).toBe("日  x");
    expect(expandTabs("\tx", 2)).toBe("  x");
  });
});

describe("wrapping", () => {
  const wrap = (text: string, width: number) => wrapLine([span(text)], width).map(lineText);

  test("breaks at blanks and drops them there", () => {
    expect(wrap("the quick brown fox", 10)).toEqual(["the quick", "brown fox"]);
  });

  test("keeps an indent", () => {
    expect(wrap("  the quick brown fox", 11)).toEqual(["  the quick", "brown fox"]);
  });

  test("breaks a word only where it is wider than a row", () => {
    expect(wrap("see abcdefghijklmnop now", 8)).toEqual(["see", "abcdefgh", "ijklmnop", "now"]);
  });

  test("breaks between ideographs, but not before closing or after opening punctuation", () => {
    expect(wrap("日本語「日本」、です", 8)).toEqual(["日本語", "「日", "本」、で", "す"]);
  });

  test("keeps a word of several styles together", () => {
    const rows = wrapLine([span("aaa b"), span("bb", "strong"), span("b ccc")], 6);
    expect(rows.map(lineText)).toEqual(["aaa", "bbbb", "ccc"]);
    expect(rows[1]?.map((part) => part.style)).toEqual(["text", "strong", "text"]);
  });

  test("moves a mark to the span of the letter that it stands on", () => {
    const rows = wrapLine([span("e"), span("\u0301x", "strong")], 2);
    expect(rows[0]?.map((part) => part.text)).toEqual(["e\u0301", "x"]);
  });

  test("of code keeps every blank", () => {
    expect(wrapVerbatim([span("  a\tb  c")], 6).map(lineText)).toEqual(["  a b ", " c"]);
  });
});
