import fc from "fast-check";

/** What streams, tools and people put into text: wide, joined, reordering, hidden and hostile. */
export const oddText: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "日本語テキスト",
    "한국어",
    "中文，标点。",
    "👨‍👩‍👧‍👦",
    "🇩🇪🇫",
    "🇯",
    "☁️",
    "1️⃣",
    "👍🏽",
    "e\u0301\u0302",
    "مرحبا بالعالم",
    "שלום",
    "\u202eevil\u202c",
    "zero\u200bwidth",
    "नमस्ते",
    "ก็",
    "ｱﾞ",
    "\t",
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\",
    "\x1b]52;c;AAAA",
    "\x9b2J",
    "\x1bP1;2q",
    "10%\r20%",
    "\b\b",
    "\ud83d",
    "a\u0300\u0301\u0302\u0303\u0304\u0305\u0306\u0307\u0308",
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
    "ﷺ",
    "&#27;[2J",
    "&amp;&nbsp;",
  ),
  fc.string({ unit: "grapheme", maxLength: 12 }),
  fc.string({ unit: "binary", maxLength: 12 }),
);

const word: fc.Arbitrary<string> = fc.oneof(
  { weight: 6, arbitrary: fc.stringMatching(/^[a-z]{1,12}$/) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z/._-]{20,70}$/) },
  { weight: 3, arbitrary: oddText },
);
export const phrase = fc.array(word, { minLength: 1, maxLength: 14 }).map((words) => words.join(" "));
const inline: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: phrase },
  phrase.map((text) => `**${text}**`),
  phrase.map((text) => `*${text}*`),
  phrase.map((text) => `~~${text}~~`),
  phrase.map((text) => `\`${text}\``),
  phrase.map((text) => `[${text}](https://example.com/${text.length})`),
  phrase.map((text) => `![${text}](./a.png)`),
  fc.constantFrom("**open", "`open", "[open](", "<b>", "<br>", "https://example.org/a?b=c", "me@example.org"),
);
const line = fc.array(inline, { minLength: 1, maxLength: 4 }).map((parts) => parts.join(" "));
const flat = line.map((text) => text.replaceAll("\n", " "));
const indented = (text: string, by: number) => text.replaceAll("\n", `\n${" ".repeat(by)}`);

const { block } = fc.letrec<{ block: string; list: string; quote: string }>((tie) => ({
  block: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.array(line, { minLength: 1, maxLength: 4 }).map((lines) => lines.join("\n")),
    fc.tuple(fc.integer({ min: 1, max: 6 }), flat).map(([depth, text]) => `${"#".repeat(depth)} ${text}`),
    flat.map((text) => `${text}\n===`),
    fc.constantFrom("---", "***", "| a |", "<details>\n<summary>x</summary>", "[ref]: https://x.org 'title'"),
    fc
      .tuple(
        fc.constantFrom("```", "````", "~~~"),
        fc.constantFrom("", "ts", "bash", "diff", "nonsense"),
        fc.array(phrase, { maxLength: 30 }),
        fc.boolean(),
      )
      .map(([fence, language, lines, isClosed]) =>
        [`${fence}${language}`, ...lines, ...(isClosed ? [fence] : [])].join("\n"),
      ),
    fc
      .tuple(
        fc.array(flat, { minLength: 1, maxLength: 5 }),
        fc.array(fc.array(flat, { minLength: 1, maxLength: 5 }), { maxLength: 50 }),
      )
      .map(([header, rows]) =>
        [header, header.map(() => ":-:"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n"),
      ),
    tie("list"),
    tie("quote"),
  ),
  list: fc
    .tuple(
      fc.constantFrom("- ", "* ", "1. ", "9) ", "- [ ] ", "- [x] "),
      fc.array(tie("block"), { minLength: 1, maxLength: 4 }),
      fc.constantFrom("\n", "\n\n"),
    )
    .map(([mark, items, gap]) => items.map((text) => mark + indented(text, mark.length)).join(gap)),
  quote: tie("block").map((text) => `> ${text.replaceAll("\n", "\n> ")}`),
}));

/** Markdown as models write it, and as they should not. */
export const markdown: fc.Arbitrary<string> = fc
  .array(fc.tuple(block, fc.constantFrom("\n", "\n\n", "\n\n\n", "\r\n", "")), { maxLength: 6 })
  .map((blocks) => blocks.map(([text, gap]) => text + gap).join(""));
