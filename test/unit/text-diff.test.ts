import { describe, expect, test } from "vitest";
import { detectCapabilities } from "../../src/tui/local/capabilities.ts";
import { diffLines } from "../../src/tui/text/blocks/diff.ts";
import { layoutFor } from "../../src/tui/text/layout.ts";
import { type Line, lineText } from "../../src/tui/text/line.ts";

const layout = layoutFor(detectCapabilities({ TERM: "xterm-kitty" }, { isTTY: true }));
const text = (lines: readonly Line[]) => `\n${lines.map(lineText).join("\n")}\n`;

const unified = `@@ -8,7 +8,8 @@ export function cart() {
 export function cart() {
   const a = 1;
-  const now = Date.now();
+  const now = clock.now();
   return expires < now;
+  // two
+  // lines
 }
@@ -101,2 +103,2 @@
-old
+entirely different words
\\ No newline at end of file`;

test("a diff has line numbers, its signs as text, and a gap between its hunks", () => {
  expect(text(diffLines(unified, 60, layout))).toBe(`
  8   export function cart() {
  9     const a = 1;
 10 -   const now = Date.now();
 10 +   const now = clock.now();
 11     return expires < now;
 12 +   // two
 13 +   // lines
 14   }
    …
101 - old
103 + entirely different words
      No newline at end of file
`);
});

test("a pair of changed lines shows the words that changed, lines without a likeness do not", () => {
  const tokens = (sign: string, word: string) =>
    diffLines(unified, 60, layout)
      .filter((line) => line[1]?.text === `${sign} ` && lineText(line).includes(word))
      .flatMap((line) => line.slice(2))
      .filter((part) => part.style.endsWith("_word"))
      .map((part) => part.text);
  expect(tokens("-", "now")).toEqual(["Date"]);
  expect(tokens("+", "now")).toEqual(["clock"]);
  expect(tokens("+", "two")).toEqual([]);
  expect(tokens("+", "different")).toEqual([]);
});

describe("the short form", () => {
  const long = `@@ -1,30 +1,60 @@\n a\n b\n c\n${Array.from({ length: 60 }, (_, index) => `+line ${index}`).join("\n")}\n d\n e`;

  test("stops after some rows, says how many are left, and spares the context", () => {
    expect(text(diffLines(long, 40, layout, { rowsMax: 4 }))).toBe(`
 3   c
 4 + line 0
 5 + line 1
 6 + line 2
… +58 lines · ctrl+o
`);
  });

  test("does not leave out a last line to say that a line is left out", () => {
    const rows = diffLines("@@ -1 +1,3 @@\n+a\n+b\n+c", 40, layout, { rowsMax: 2 });
    expect(rows).toHaveLength(3);
    expect(text(rows)).toContain("+ c");
  });

  test("cuts long lines, where the whole form wraps them", () => {
    const wide = `@@ -1 +1 @@\n+${"x".repeat(50)}`;
    expect(text(diffLines(wide, 24, layout, { rowsMax: 12 }))).toBe(`\n1 + ${"x".repeat(19)}…\n`);
    expect(text(diffLines(wide, 24, layout))).toBe(
      `\n1 + ${"x".repeat(20)}\n    ${"x".repeat(20)}\n    ${"x".repeat(10)}\n`,
    );
  });
});

test("diffs from agents with file headers, or without hunk headers, are still drawn", () => {
  expect(text(diffLines("--- a/x\n+++ b/x\n@@ -5 +5 @@\n-a\n+b\n", 40, layout))).toBe("\n5 - a\n5 + b\n");
  expect(text(diffLines("+new\n file", 40, layout))).toBe("\n1 + new\n2   file\n");
});

test("tabs and wide characters in a diff keep its columns", () => {
  expect(text(diffLines("@@ -1,2 +1,2 @@\n \tif x\n+\t日本", 40, layout))).toBe(
    "\n1       if x\n2 +     日本\n",
  );
});

test("lines with more changed words than are compared are shown as replaced", () => {
  const words = (start: number) => Array.from({ length: 100 }, (_, at) => `w${start + at}`).join(" ");
  const long = `@@ -1 +1 @@\n-same ${words(100)}\n+same ${words(300)}`;
  const styles = diffLines(long, 400, layout).flatMap((line) => line.map((part) => part.style));
  expect(styles.some((style) => style.endsWith("_word"))).toBe(false);
});
