import { describe, expect, test } from "vitest";
import { detectCapabilities } from "../../src/tui/local/capabilities.ts";
import { createPainter, safeHref } from "../../src/tui/text/ansi.ts";
import { span } from "../../src/tui/text/line.ts";
import { parseTheme, type Theme, themes, themeTokens } from "../../src/tui/theme.ts";

const luminance = (hex: string): number => {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255)
    .map((channel) => (channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
};
const contrast = (a: string, b: string): number => {
  const [dark = 0, light = 0] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (light + 0.05) / (dark + 0.05);
};
const hexOf = (color: Theme["styles"]["text"]["color"]) =>
  color !== undefined && "hex" in color ? color.hex : undefined;

test.each([
  [themes.dark, "#1e1e1e", 4.5],
  [themes.light, "#ffffff", 4.5],
  [themes.high_contrast, "#000000", 7],
] as const)("every colour of $name can be read on its background", (theme, background, least) => {
  const poor = themeTokens.flatMap((token) => {
    const style = theme.styles[token];
    const color = hexOf(style.color);
    if (color === undefined) return [];
    const ratio = contrast(color, hexOf(style.background) ?? background);
    return ratio < least ? [`${token} ${ratio.toFixed(1)}`] : [];
  });
  expect(poor).toEqual([]);
});

const can = detectCapabilities({ TERM: "xterm" }, { isTTY: true });
const paint = (
  color: "none" | "16" | "256" | "truecolor",
  token: Parameters<typeof span>[1] = "error",
  attributes = true,
) => createPainter(themes.dark, { ...can, color, attributes })([span("x", token)]);

describe("a token is painted", () => {
  test("as far as the terminal's colours go", () => {
    expect(paint("truecolor")).toBe("\x1b[38;2;242;139;130mx\x1b[39m");
    expect(paint("256")).toBe("\x1b[38;5;210mx\x1b[39m");
    expect(paint("16")).toBe("\x1b[91mx\x1b[39m");
    expect(paint("none")).toBe("x");
    expect(paint("none", "strong")).toBe("\x1b[1mx\x1b[22m");
    expect(paint("none", "strong", false)).toBe("x");
  });

  test("on top of what it stands in", () => {
    expect(paint("16", "heading code")).toBe("\x1b[1m\x1b[36mx\x1b[39m\x1b[22m");
  });

  test("without changing style for blanks", () => {
    const line = [span("a", "error"), span("  ", "muted"), span("b", "error")];
    expect(createPainter(themes.dark, { ...can, color: "16" })(line)).toBe("\x1b[91ma  b\x1b[39m");
  });
});

test("a control character that slipped through is not painted", () => {
  expect(createPainter(themes.none, can)([span("a\x1b]0;x\x07b\n")])).toBe("a]0;xb");
});

test("an address is safe inside a link, or it is no link", () => {
  expect(safeHref("https://x.org/ä b")).toBe("https://x.org/%C3%A4%20b");
  expect(safeHref("https://x.org/\x1b\\")).toBe("https://x.org/%1B\\");
  for (const no of ["javascript:x", "x.org", "https://", "", `https://x.org/${"a".repeat(3000)}`])
    expect(safeHref(no)).toBeUndefined();
});

describe("a user's theme", () => {
  test("changes what it names and keeps the rest", () => {
    const theme = parseTheme("mine", {
      base: "light",
      accent: "#ff0000",
      error: { color: "bright_red", bold: true },
    });
    expect(theme.styles.accent.color).toEqual({ hex: "#ff0000" });
    expect(theme.styles.error).toMatchObject({ color: { ansi: "bright_red" }, bold: true });
    expect(theme.styles.success).toEqual(themes.light.styles.success);
  });

  test.each([
    [{ acent: "red" }, /no token "acent"/],
    [{ accent: "reddish" }, /"accent" must be a colour/],
    [{ accent: { weight: 3 } }, /"accent.weight"/],
    [{ base: "sepia" }, /"base" must be one of dark, light/],
    ["red", /must be an object/],
  ])("%j is refused with the token's name", (value, message) => {
    expect(() => parseTheme("mine", value)).toThrow(message);
  });
});

describe("the environment says", () => {
  const tty = { isTTY: true, columns: 100, rows: 30 };
  const of = (env: Record<string, string>, terminal: object = tty) => detectCapabilities(env, terminal);

  test.each([
    [{ TERM: "xterm-256color", COLORTERM: "truecolor" }, "truecolor"],
    [{ TERM: "xterm-256color" }, "256"],
    [{ TERM: "xterm" }, "16"],
    [{ TERM: "xterm-kitty" }, "truecolor"],
    [{ TERM: "xterm-kitty", NO_COLOR: "1" }, "none"],
    [{ TERM: "xterm-kitty", NO_COLOR: "" }, "truecolor"],
    [{ TERM: "dumb", COLORTERM: "truecolor" }, "none"],
    [{ TERM: "xterm", NO_COLOR: "1", FORCE_COLOR: "3" }, "truecolor"],
    [{ TERM: "xterm", FORCE_COLOR: "0" }, "none"],
  ])("%j has colours: %s", (env, color) => {
    expect(of(env).color).toBe(color);
  });

  test("a pipe has neither colours nor attributes nor a cursor", () => {
    expect(of({ TERM: "xterm-kitty" }, {})).toMatchObject({
      color: "none",
      attributes: false,
      cursor: false,
      columns: 80,
    });
    expect(of({ TERM: "xterm-kitty", NO_COLOR: "1" })).toMatchObject({
      color: "none",
      attributes: true,
      cursor: true,
    });
    expect(of({ TERM: "dumb" })).toMatchObject({ attributes: false, cursor: false, unicode: false });
  });

  test("a locale of another encoding has no glyphs, an unset one has", () => {
    expect(of({ LANG: "C" }).unicode).toBe(false);
    expect(of({ LANG: "C.UTF-8" }).unicode).toBe(true);
    expect(of({ LC_ALL: "de_DE.ISO-8859-1", LANG: "de_DE.UTF-8" }).unicode).toBe(false);
    expect(of({}).unicode).toBe(true);
    expect(of({ TERM: "linux" }).unicode).toBe(false);
  });

  test.each([
    [{ TERM_PROGRAM: "iTerm.app" }, true],
    [{ TERM: "xterm-kitty", TMUX: "/tmp/x" }, false],
    [{ TERM_PROGRAM: "tmux", TERM_PROGRAM_VERSION: "3.4", TMUX: "/tmp/x" }, true],
    [{ TERM_PROGRAM: "tmux", TERM_PROGRAM_VERSION: "3.3a", TMUX: "/tmp/x" }, false],
    [{ VTE_VERSION: "6003" }, true],
    [{ TERM: "xterm-256color" }, false],
    [{ TERM: "xterm-256color", FORCE_HYPERLINK: "1" }, true],
    [{ TERM: "xterm-kitty", FORCE_HYPERLINK: "0" }, false],
  ])("%j makes links: %s", (env, links) => {
    expect(of(env).hyperlinks).toBe(links);
  });

  test("what the background is where the terminal tells", () => {
    expect(of({ COLORFGBG: "0;15" }).background).toBe("light");
    expect(of({ COLORFGBG: "15;default;0" }).background).toBe("dark");
    expect(of({}).background).toBe("dark");
  });
});
