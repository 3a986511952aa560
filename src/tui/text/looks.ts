import type { Capabilities } from "../local/capabilities.ts";
import type { Theme, ThemeToken, TokenStyle } from "../theme.ts";
import { inkColorOf } from "./color.ts";
import type { Line, Style } from "./line.ts";

/** The props of Ink's `Text` that decide how text looks. */
export type Look = {
  color?: string;
  backgroundColor?: string;
  bold?: boolean;
  dimColor?: boolean;
  italic?: boolean;
  underline?: boolean;
  strikethrough?: boolean;
  inverse?: boolean;
};

/** Text of one look. */
export type Run = { text: string; look: Look; href: string | undefined };

/** What each style of a theme looks like on this terminal. */
export type Looks = {
  of(style: Style): Look;
  /** Joins a line's spans to runs of one look. */
  runs(line: Line): Run[];
};

const control = /[\x00-\x1f\x7f-\x9f]/;
const controls = /[\x00-\x1f\x7f-\x9f]/g;
const plain: Look = {};

export function createLooks(theme: Theme, capabilities: Capabilities): Looks {
  const known = new Map<Style, Look>();
  /** Equal looks are the same object, so that they can be compared by identity. */
  const byContent = new Map<string, Look>([["{}", plain]]);
  const of = (style: Style): Look => {
    let look = known.get(style);
    if (look === undefined) {
      const made = lookOf(resolve(theme, style), capabilities);
      const content = JSON.stringify(made);
      look = byContent.get(content) ?? made;
      byContent.set(content, look);
      known.set(style, look);
    }
    return look;
  };
  return {
    of,
    runs(line) {
      const runs: Run[] = [];
      for (const part of line) {
        if (part.text === "") continue;
        // Lines are sanitised already. This is a second guard, in case one code path forgot.
        const text = control.test(part.text) ? part.text.replace(controls, "") : part.text;
        const href = capabilities.hyperlinks ? part.href : undefined;
        const last = runs.at(-1);
        const before = last?.look ?? plain;
        const own = of(part.style);
        // Spaces look the same in most styles: switching for them would only cost bytes.
        const look = isBlank(text) && !showsOnBlanks(own) && !showsOnBlanks(before) ? before : own;
        if (last !== undefined && last.look === look && last.href === href) last.text += text;
        else runs.push({ text, look, href });
      }
      return runs;
    },
  };
}

const isBlank = (text: string): boolean => /^ *$/.test(text);
const showsOnBlanks = ({ backgroundColor, underline, inverse, strikethrough }: Look): boolean =>
  backgroundColor !== undefined || underline === true || inverse === true || strikethrough === true;

function resolve(theme: Theme, style: Style): TokenStyle {
  const merged: TokenStyle = {};
  for (const token of style.split(" ")) Object.assign(merged, theme.styles[token as ThemeToken]);
  return merged;
}

function lookOf(style: TokenStyle, { color: depth, attributes }: Capabilities): Look {
  const look: Look = {};
  if (attributes) {
    if (style.bold === true) look.bold = true;
    if (style.dim === true) look.dimColor = true;
    if (style.italic === true) look.italic = true;
    if (style.underline === true) look.underline = true;
    if (style.inverse === true) look.inverse = true;
    if (style.strike === true) look.strikethrough = true;
  }
  if (depth !== "none") {
    if (style.color !== undefined) look.color = inkColorOf(style.color, depth);
    if (style.background !== undefined) look.backgroundColor = inkColorOf(style.background, depth);
  }
  return look;
}
