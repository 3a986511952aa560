// Long because it holds the built-in themes: a table of colours by meaning.
import { HearthError } from "../protocol/errors.ts";

export const ansiColors = [
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
  /** What is said; the terminal's own foreground in the built-in themes. */
  "text",
  /** What may be overlooked: gutters, hints, line numbers' surroundings. */
  "muted",
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
  "tool_name",
  "tool_title",
  "line_number",
  "diff_added",
  "diff_removed",
  /** The part of a changed line that changed. */
  "diff_added_word",
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
  "syntax_punctuation",
  "syntax_meta",
] as const;
export type ThemeToken = (typeof tokens)[number];
export const themeTokens: readonly ThemeToken[] = tokens;

export type Theme = { name: string; styles: { readonly [T in ThemeToken]: TokenStyle } };
