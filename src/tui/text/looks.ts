import type { Capabilities } from "../local/capabilities.ts";
import type { Theme, ThemeToken, TokenStyle } from "../theme.ts";
import { inkColorOf } from "./color.ts";
import type { Line, Style } from "./line.ts";

/** How text looks, in the words of Ink's `Text`. */
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

/** A theme on a terminal: what each style looks like there. */
export type Looks = {
  of(style: Style): Look;
  /** A line in runs of one look, ready to be drawn. */
  runs(line: Line): Run[];
};

const control = /[\x00-\x1f\x7f-\x9f]/;
const controls = /[\x00-\x1f\x7f-\x9f]/g;
const plain: Look = {};

export function createLooks(theme: Theme, capabilities: Capabilities): Looks {
  const known = new Map<Style, Look>();
  /** Equal looks are one object, so that they can be compared. */
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
        // Whoever made the line has sanitised it. If one path forgot, this is where it must not matter.
        const text = control.test(part.text) ? part.text.replace(controls, "") : part.text;
        const href = capabilities.hyperlinks ? part.href : undefined;
        const last = runs.at(-1);
        const before = last?.look ?? plain;
        const own = of(part.style);
        // Blanks look the same in most styles: changing for them would only cost bytes.
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
