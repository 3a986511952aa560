// Long because it holds the built-in themes: a table of colours by meaning.
import { HearthError } from "../protocol/errors.ts";

const ansiColors = [
  "black",
  "red",
  "green",
  "yellow",
  "blue",
  "magenta",
  "cyan",
  "white",
  "bright_black",
  "bright_red",
  "bright_green",
  "bright_yellow",
  "bright_blue",
  "bright_magenta",
  "bright_cyan",
  "bright_white",
] as const;
/** One of the sixteen colours that the terminal's own palette decides. */
export type AnsiColor = (typeof ansiColors)[number];

/** `hex` where the terminal can, `ansi` where it has sixteen colours only; without `ansi` the nearest is taken. */
export type Color = { hex: string; ansi?: AnsiColor | undefined } | { ansi: AnsiColor };

/** How text of one meaning looks. Without colours only the other fields count. */
export type TokenStyle = {
  color?: Color | undefined;
  background?: Color | undefined;
  bold?: boolean | undefined;
  dim?: boolean | undefined;
  italic?: boolean | undefined;
  underline?: boolean | undefined;
  strike?: boolean | undefined;
  inverse?: boolean | undefined;
};

const tokens = [
  "text", // normal text; the terminal's own foreground in the built-in themes
  "muted", // less important text: gutters, hints, figures
  "accent",
  "prompt",
  "reasoning",
  "success",
  "warning",
  "error",
  "heading",
  "link",
  "code",
  "quote",
  "emphasis",
  "strong",
  "strike",
  "tool_name",
  "tool_title",
  "line_number",
  "diff_added",
  "diff_removed",
  "diff_added_word", // the part of a changed line that changed
  "diff_removed_word",
  "diff_hunk",
  "mode_plan",
  "mode_ask",
  "mode_accept_edits",
  "mode_yolo",
  "selection",
  "syntax_keyword",
  "syntax_string",
  "syntax_number",
  "syntax_comment",
  "syntax_title",
  "syntax_type",
  "syntax_variable",
  "syntax_meta",
] as const;
export type ThemeToken = (typeof tokens)[number];
export const themeTokens: readonly ThemeToken[] = tokens;

export type Theme = { name: string; styles: { readonly [T in ThemeToken]: TokenStyle } };

/** Attributes are the same in every built-in theme: themes differ in colours only. */
const attributes: { readonly [T in ThemeToken]: TokenStyle } = {
  text: {},
  muted: {},
  accent: {},
  prompt: { bold: true },
  reasoning: { italic: true },
  success: {},
  warning: {},
  error: {},
  heading: { bold: true },
  link: { underline: true },
  code: {},
  quote: { italic: true },
  emphasis: { italic: true },
  strong: { bold: true },
  strike: { strike: true },
  tool_name: { bold: true },
  tool_title: {},
  line_number: {},
  diff_added: {},
  diff_removed: {},
  diff_added_word: { bold: true },
  diff_removed_word: { bold: true },
  diff_hunk: {},
  mode_plan: {},
  mode_ask: {},
  mode_accept_edits: {},
  mode_yolo: { bold: true },
  selection: { bold: true },
  syntax_keyword: {},
  syntax_string: {},
  syntax_number: {},
  syntax_comment: { italic: true },
  syntax_title: {},
  syntax_type: {},
  syntax_variable: {},
  syntax_meta: {},
};

type Palette = { readonly [T in ThemeToken]?: TokenStyle };

const hue = (hex: string, ansi: AnsiColor): TokenStyle => ({ color: { hex, ansi } });
const on = (hex: string, ansi: AnsiColor, backgroundHex: string, backgroundAnsi: AnsiColor): TokenStyle => ({
  color: { hex, ansi },
  background: { hex: backgroundHex, ansi: backgroundAnsi },
});

const withPalette = (name: string, palette: Palette, base = attributes): Theme => ({
  name,
  styles: Object.fromEntries(
    tokens.map((token) => [token, { ...base[token], ...palette[token] }]),
  ) as Theme["styles"],
});

/** For a dark background: contrast of at least 4.5 : 1 on anything up to #1e1e1e. */
const dark: Palette = {
  muted: hue("#8b919c", "bright_black"),
  accent: hue("#e8a15c", "yellow"),
  prompt: hue("#e8a15c", "yellow"),
  reasoning: hue("#9aa1ad", "bright_black"),
  success: hue("#7fc97f", "green"),
  warning: hue("#e5c07b", "bright_yellow"),
  error: hue("#f28b82", "bright_red"),
  heading: hue("#f0b67f", "bright_yellow"),
  link: hue("#7ab7ff", "bright_blue"),
  code: hue("#8bd5ca", "cyan"),
  quote: hue("#a9b1bd", "white"),
  tool_title: hue("#c8cdd6", "white"),
  line_number: hue("#868c97", "bright_black"),
  diff_added: hue("#8ed08e", "green"),
  diff_removed: hue("#f28b82", "red"),
  diff_added_word: on("#e3ffe3", "black", "#215732", "green"),
  diff_removed_word: on("#ffe3e0", "black", "#742a2a", "red"),
  diff_hunk: hue("#7ab7ff", "cyan"),
  mode_plan: hue("#7ab7ff", "bright_blue"),
  mode_accept_edits: hue("#c792ea", "bright_magenta"),
  mode_yolo: hue("#ff6b6b", "bright_red"),
  selection: hue("#e8a15c", "yellow"),
  syntax_keyword: hue("#c792ea", "bright_magenta"),
  syntax_string: hue("#a5d6a7", "green"),
  syntax_number: hue("#f2b482", "yellow"),
  syntax_comment: hue("#8b93a1", "bright_black"),
  syntax_title: hue("#82aaff", "bright_blue"),
  syntax_type: hue("#8bd5ca", "cyan"),
  syntax_variable: hue("#d7dae0", "white"),
  syntax_meta: hue("#e5c07b", "yellow"),
};

/** For a light background: contrast of at least 4.5 : 1 on white. */
const light: Palette = {
  muted: hue("#636a75", "bright_black"),
  accent: hue("#a3500a", "red"),
  prompt: hue("#a3500a", "red"),
  reasoning: hue("#5c636e", "bright_black"),
  success: hue("#1a7f37", "green"),
  warning: hue("#8a5a00", "yellow"),
  error: hue("#b3261e", "red"),
  heading: hue("#8f4400", "red"),
  link: hue("#0b57d0", "blue"),
  code: hue("#00696b", "cyan"),
  quote: hue("#4f5661", "bright_black"),
  tool_title: hue("#30353d", "black"),
  line_number: hue("#6b7280", "bright_black"),
  diff_added: hue("#1a7f37", "green"),
  diff_removed: hue("#b3261e", "red"),
  diff_added_word: on("#04260f", "black", "#b4f0c0", "bright_green"),
  diff_removed_word: on("#3b0906", "black", "#ffd0cb", "bright_red"),
  diff_hunk: hue("#0b57d0", "blue"),
  mode_plan: hue("#0b57d0", "blue"),
  mode_accept_edits: hue("#7b1fa2", "magenta"),
  mode_yolo: hue("#b3261e", "red"),
  selection: hue("#a3500a", "red"),
  syntax_keyword: hue("#7b1fa2", "magenta"),
  syntax_string: hue("#1a7f37", "green"),
  syntax_number: hue("#a3500a", "red"),
  syntax_comment: hue("#636a75", "bright_black"),
  syntax_title: hue("#0b57d0", "blue"),
  syntax_type: hue("#00696b", "cyan"),
  syntax_variable: hue("#30353d", "black"),
  syntax_meta: hue("#8a5a00", "yellow"),
};

/** Contrast of at least 7 : 1 on black, nothing dim, and only colours that exist among the sixteen. */
const highContrast: Palette = {
  muted: hue("#d0d0d0", "white"),
  accent: hue("#ffd75f", "bright_yellow"),
  prompt: hue("#ffd75f", "bright_yellow"),
  reasoning: hue("#d0d0d0", "white"),
  success: hue("#5fff87", "bright_green"),
  warning: hue("#ffff5f", "bright_yellow"),
  error: hue("#ff9d94", "bright_red"),
  heading: { ...hue("#ffffff", "bright_white"), underline: true },
  link: hue("#8fd3ff", "bright_cyan"),
  code: hue("#5fffff", "bright_cyan"),
  quote: hue("#ffffff", "bright_white"),
  tool_title: hue("#ffffff", "bright_white"),
  line_number: hue("#d0d0d0", "white"),
  diff_added: hue("#5fff87", "bright_green"),
  diff_removed: hue("#ff9d94", "bright_red"),
  diff_added_word: { ...on("#000000", "black", "#5fff87", "bright_green"), underline: true },
  diff_removed_word: { ...on("#000000", "black", "#ff9d94", "bright_red"), underline: true },
  diff_hunk: hue("#8fd3ff", "bright_cyan"),
  mode_plan: hue("#8fd3ff", "bright_cyan"),
  mode_accept_edits: hue("#ffafff", "bright_magenta"),
  mode_yolo: { ...on("#000000", "black", "#ff9d94", "bright_red") },
  selection: { inverse: true },
  syntax_keyword: hue("#ffafff", "bright_magenta"),
  syntax_string: hue("#5fff87", "bright_green"),
  syntax_number: hue("#ffd75f", "bright_yellow"),
  syntax_comment: hue("#d0d0d0", "white"),
  syntax_title: hue("#8fd3ff", "bright_cyan"),
  syntax_type: hue("#5fffff", "bright_cyan"),
  syntax_meta: hue("#ffff5f", "bright_yellow"),
};

export const themes = {
  dark: withPalette("dark", dark),
  light: withPalette("light", light),
  high_contrast: withPalette("high_contrast", highContrast),
  /** Attributes only. */
  none: withPalette("none", {}),
} as const;
export type ThemeName = keyof typeof themes;
/** `auto`: by the terminal's background. */
export type ThemeChoice = ThemeName | "auto";

/**
 * Makes a user's theme: a record of tokens, each a colour (`"#7ab7ff"`, `"bright_blue"`) or an object with
 * `color`, `background` and attributes. What it does not name stays as in `base` ("dark" unless it says so).
 * Throws `config_invalid` naming the token.
 */
export function parseTheme(name: string, value: unknown): Theme {
  if (!isRecord(value)) throw invalid(name, "must be an object of tokens and colours");
  const baseName = value["base"] ?? "dark";
  if (typeof baseName !== "string" || !Object.hasOwn(themes, baseName))
    throw invalid(name, `"base" must be one of ${Object.keys(themes).join(", ")}`);
  const palette: { [T in ThemeToken]?: TokenStyle } = {};
  for (const [token, style] of Object.entries(value)) {
    if (token === "base") continue;
    if (!isToken(token)) throw invalid(name, `there is no token "${token}"; there are ${tokens.join(", ")}`);
    palette[token] = parseStyle(name, token, style);
  }
  return withPalette(name, palette, themes[baseName as ThemeName].styles);
}

const flags = ["bold", "dim", "italic", "underline", "strike", "inverse"] as const;

function parseStyle(name: string, token: ThemeToken, value: unknown): TokenStyle {
  if (typeof value === "string") return { color: parseColor(name, token, value) };
  if (!isRecord(value)) throw invalid(name, `"${token}" must be a colour or an object with "color"`);
  const style: TokenStyle = {};
  for (const [key, field] of Object.entries(value)) {
    if (key === "color" || key === "background") style[key] = parseColor(name, token, field);
    else if (isFlag(key) && typeof field === "boolean") style[key] = field;
    else throw invalid(name, `"${token}.${key}" must be color, background or one of ${flags.join(", ")}`);
  }
  return style;
}

function parseColor(name: string, token: ThemeToken, value: unknown): Color {
  if (typeof value === "string" && /^#[0-9a-f]{6}$/i.test(value)) return { hex: value };
  const ansi = ansiColors.find((color) => color === value);
  if (ansi !== undefined) return { ansi };
  throw invalid(name, `"${token}" must be a colour like "#7ab7ff" or one of ${ansiColors.join(", ")}`);
}

const invalid = (name: string, what: string) =>
  new HearthError("config_invalid", `Theme "${name}": ${what}.`);
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isToken = (value: string): value is ThemeToken => tokens.some((token) => token === value);
const isFlag = (value: string): value is (typeof flags)[number] => flags.some((flag) => flag === value);
