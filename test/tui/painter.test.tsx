// The scrollback is painted without Ink, the live region by Ink: a row that goes from the one to the other unchanged
// must not be drawn again, so both have to make the same bytes of the same line.
import fc from "fast-check";
import { renderToString } from "ink";
import { expect, test } from "vitest";
import "../../src/tui/components/App.tsx"; // decides that Ink's colours are ours
import { LooksContext } from "../../src/tui/components/LooksContext.ts";
import { Row } from "../../src/tui/components/Row.tsx";
import { painterOf } from "../../src/tui/text/ansi.ts";
import { type Line, span } from "../../src/tui/text/line.ts";
import { createLooks } from "../../src/tui/text/looks.ts";
import { themes, themeTokens } from "../../src/tui/theme.ts";

const style = fc
  .array(fc.constantFrom(...themeTokens), { minLength: 1, maxLength: 3 })
  .map((tokens) => tokens.join(" "));
const line: fc.Arbitrary<Line> = fc.array(
  fc
    .tuple(
      fc.constantFrom(
        "a word",
        " ",
        "    ",
        "日本語",
        "grüße",
        "👍",
        "× · ─ …",
        "e\u0301",
        "x".repeat(30),
        " end ",
      ),
      style,
      fc.constantFrom(undefined, undefined, "https://x.org/a", "https://y.org/b"),
    )
    .map(([text, tokens, href]) => span(text, tokens, href)),
  { maxLength: 6 },
);
const looks = fc
  .record({
    theme: fc.constantFrom(...Object.values(themes)),
    color: fc.constantFrom("none" as const, "16" as const, "256" as const, "truecolor" as const),
    attributes: fc.boolean(),
    hyperlinks: fc.boolean(),
  })
  .map(({ theme, ...can }) => createLooks(theme, { ...anyTerminal, ...can }));
const anyTerminal = {
  isTTY: true,
  columns: 80,
  rows: 24,
  unicode: true,
  screenReader: false,
  cursor: true,
  background: "dark",
} as const;

test("a row is painted for the scrollback as Ink paints it", () => {
  fc.assert(
    fc.property(line, looks, (spans, own) => {
      const byInk = renderToString(
        <LooksContext value={own}>
          <Row line={spans} />
        </LooksContext>,
        { columns: 300 },
      );
      expect(painterOf(own)(spans)).toBe(byInk);
    }),
    { numRuns: 400 },
  );
});
