import { describe, expect, test } from "vitest";
import { detectCapabilities } from "../../src/tui/local/capabilities.ts";
import { createPainter } from "../../src/tui/text/ansi.ts";
import { loadHighlight } from "../../src/tui/text/highlight/load-highlight.ts";
import { layoutFor } from "../../src/tui/text/layout.ts";
import { lineText } from "../../src/tui/text/line.ts";
import { markdownLines } from "../../src/tui/text/markdown/markdown.ts";
import { themes } from "../../src/tui/theme.ts";

const color = detectCapabilities({ TERM: "xterm-kitty" }, { isTTY: true });
const bare = detectCapabilities({ TERM: "dumb" }, { isTTY: true });
const highlight = await loadHighlight();

const rows = (source: string, width = 40, capabilities = color) =>
  `\n${markdownLines(source, width, layoutFor(capabilities)).map(lineText).join("\n")}\n`;
const painted = (source: string, capabilities = color) =>
  markdownLines(source, 60, layoutFor(capabilities, { highlight })).map(
    createPainter(themes.dark, capabilities),
  );

describe("Markdown on a screen", () => {
  test("lists nest, and items that wrap stay behind their marker", () => {
    const source =
      "1. the first item is long enough to wrap once\n2. second\n   - nested\n     - deeper still\n   - [x] done\n   - [ ] open\n10) other";
    expect(rows(source)).toBe(`
1. the first item is long enough to wrap
   once
2. second
   ◦ nested
     ▪ deeper still
   ◦ [x] done
   ◦ [ ] open

10. other
`);
  });

  test("quotes keep their bar on every row", () => {
    expect(rows("> a quote that is long enough to wrap\n> > and one inside", 24)).toBe(`
│ a quote that is long
│ enough to wrap
│
│ │ and one inside
`);
  });

  test("tables stay straight with wide characters and emoji", () => {
    expect(
      rows("| Name | Qty | 日本語 |\n|:--|--:|:-:|\n| cart | 12 | 全角文字 |\n| 👨‍👩‍👧 x | 3,400 | ok |"),
    ).toBe(`
Name   │   Qty │  日本語
───────┼───────┼─────────
cart   │    12 │ 全角文字
👨‍👩‍👧 x │ 3,400 │    ok
`);
  });

  test("a table that is too wide wraps its cells, one that is far too wide becomes records", () => {
    const source =
      "| Option | Meaning |\n|---|---|\n| verbose | prints a good deal more than anybody reads |\n| q | quiet |";
    expect(rows(source, 32)).toBe(`
Option  │ Meaning
────────┼───────────────────────
verbose │ prints a good deal
        │ more than anybody
        │ reads
────────┼───────────────────────
q       │ quiet
`);
    const wide =
      "| One | Two | Three | Four |\n|---|---|---|---|\n| first value | second value | third value | fourth |";
    expect(rows(wide, 24)).toBe(`
One: first value
Two: second value
Three: third value
Four: fourth
`);
  });

  test("line ends that were written stay", () => {
    expect(rows("Name: x\nAge: 3\nand a<br>break")).toBe("\nName: x\nAge: 3\nand a\nbreak\n");
  });

  test("HTML is text", () => {
    expect(rows("<details>\n<summary>More</summary>\n</details>\n\na <b>c</b> &amp; &lt;d&gt;")).toBe(`
<details>
<summary>More</summary>
</details>

a <b>c</b> & <d>
`);
  });

  test("where emphasis cannot be shown its marks stay", () => {
    expect(rows("## Title\n\n**b** *i* ~~s~~ `c`", 40, bare)).toBe("\n## Title\n\n**b** *i* ~~s~~ `c`\n");
    expect(rows("## Title\n\n**b** *i* ~~s~~ `c`")).toBe("\nTitle\n\nb i s c\n");
  });

  test("a line of a thousand quote marks costs neither stack nor room", () => {
    const lines = markdownLines(`${"> ".repeat(3000)}x`, 40, layoutFor(color));
    expect(lines.map(lineText).join("").endsWith("x")).toBe(true);
    expect(markdownLines(`${"- ".repeat(3000)}x`, 40, layoutFor(color)).length).toBeLessThan(400);
  });

  test("text that is made of little but emphasis marks is shown as it is", () => {
    const flood = "*a_".repeat(5000);
    const lines = markdownLines(flood, 60, layoutFor(color));
    expect(lines.map(lineText).join("")).toBe(flood);
  });

  test("unfinished marks are shown as they are", () => {
    expect(rows("a **bold that")).toBe("\na **bold that\n");
    expect(rows("see [the docs](http")).toBe("\nsee [the docs](http\n");
  });
});

describe("links", () => {
  const linking = { ...color, hyperlinks: true };
  const plain = { ...color, hyperlinks: false };

  test("are links where the terminal makes them, and text with the address where not", () => {
    expect(painted("[docs](https://x.org/a)", linking)[0]).toContain("\x1b]8;;https://x.org/a\x07");
    expect(rows("[docs](https://x.org/a) <https://y.org>", 60, plain)).toBe(
      "\ndocs (https://x.org/a) https://y.org\n",
    );
  });

  test("whose label looks like another address show both", () => {
    expect(rows("[https://bank.com](https://evil.com)", 60, linking)).toBe(
      "\nhttps://bank.com (https://evil.com)\n",
    );
    expect(rows("[bank.com](https://evil.com)", 60, linking)).toBe("\nbank.com (https://evil.com)\n");
  });

  test("that a click should not open are no links", () => {
    const row = painted("[a](javascript:alert(1)) [b](ssh://h)", linking).join("");
    expect(row).not.toContain("\x1b]8");
    expect(row).toContain("(javascript:alert(1))");
  });

  test("cannot smuggle a control character through a reference", () => {
    const row = painted("[a](https://x.org/&#27;]52;c;A&#7;) &#27;[2J &#x9b;31m", linking).join("");
    expect(row.replace(/\x1b\[[\d;]*m|\x1b\]8;;[\x21-\x7e]*\x07/g, "")).not.toMatch(/[\x00-\x1f\x7f-\x9f]/);
  });
});

describe("code", () => {
  test("is coloured line by line, and each row ends its colours", () => {
    const [first, second] = painted("```ts\n/* a\nb */ const x = 1;\n```");
    expect(first).toMatch(/^ {2}\x1b\[3m\x1b\[38;2;[\d;]+m\/\* a\x1b\[39m\x1b\[23m$/);
    expect(second).toMatch(
      /^ {2}\x1b\[3m\x1b\[38;2;.*b \*\/ \x1b\[23m\x1b\[38;2;.*const\x1b\[39m x = .*1\x1b\[39m;$/,
    );
  });

  test("in no language we know, or too much of it, is plain", () => {
    expect(painted("```klingon\nnuqneH\n```")).toEqual(["  nuqneH"]);
    expect(highlight("let a;\n".repeat(401), "js")).toBeUndefined();
    expect(highlight(`let a = "${"x".repeat(3000)}";`, "js")).toBeUndefined();
    expect(highlight("let a;", "js")).toBeDefined();
  });

  test("loses nothing to the highlighter", () => {
    const code = "<div class='a'>\n  <script>let a = `x $" + "{1}`;</script>\n</div>\n\n";
    for (const language of ["html", "ts", "py", "bash", "json", "css", "md", "diff", "yaml", "sql", "rust"]) {
      const runs = highlight(code, language);
      expect(runs?.map((line) => line.map((run) => run.text).join("")).join("\n")).toBe(code);
    }
  });
});
