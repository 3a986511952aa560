import type { Capabilities } from "../capabilities.ts";
import type { Theme, ThemeToken, TokenStyle } from "../theme.ts";
import { sgrOfColor } from "./color.ts";
import type { Line, Style } from "./line.ts";

const RESET = "\x1b[0m";
const control = /[\x00-\x1f\x7f-\x9f]/;
const controls = /[\x00-\x1f\x7f-\x9f]/g;
const LINK_END = "\x1b]8;;\x07";

/** Turns a line of spans into text for a terminal. */
export type Painter = (line: Line) => string;

/**
 * The only place where escape sequences are made. Each painted line stands on its own: it starts unstyled, and
 * where it has styles it ends with a reset and with its link closed.
 */
export function createPainter(theme: Theme, capabilities: Capabilities): Painter {
  const looks = new Map<Style, Look>();
  const lookOf = (style: Style): Look => {
    let look = looks.get(style);
    if (look === undefined) {
      const resolved = resolve(theme, style);
      look = { sgr: sgrOfStyle(resolved, capabilities), showsOnBlanks: showsOnBlanks(resolved) };
      looks.set(style, look);
    }
    return look;
  };
  return (line) => {
    let painted = "";
    let current = unstyled;
    let link: string | undefined;
    for (const part of line) {
      if (part.text === "") continue;
      const href = capabilities.hyperlinks ? part.href : undefined;
      if (href !== link) {
        if (link !== undefined) painted += LINK_END;
        if (href !== undefined) painted += `\x1b]8;;${href}\x07`;
        link = href;
      }
      const look = lookOf(part.style);
      // Blanks look the same in most styles: changing for them would only cost bytes.
      const isSame =
        look.sgr === current.sgr || (isBlank(part.text) && !look.showsOnBlanks && !current.showsOnBlanks);
      if (!isSame) {
        if (current.sgr === "") painted += `\x1b[${look.sgr}m`;
        else painted += look.sgr === "" ? RESET : `\x1b[0;${look.sgr}m`;
        current = look;
      }
      // Whoever made the line has sanitised it. If one path forgot, this is where it must not matter.
      painted += control.test(part.text) ? part.text.replace(controls, "") : part.text;
    }
    if (current.sgr !== "") painted += RESET;
    return link === undefined ? painted : painted + LINK_END;
  };
}

type Look = { sgr: string; showsOnBlanks: boolean };
const unstyled: Look = { sgr: "", showsOnBlanks: false };

const isBlank = (text: string): boolean => /^ *$/.test(text);
const showsOnBlanks = ({ background, underline, inverse, strike }: TokenStyle): boolean =>
  background !== undefined || underline === true || inverse === true || strike === true;

function resolve(theme: Theme, style: Style): TokenStyle {
  const merged: TokenStyle = {};
  for (const token of style.split(" ")) Object.assign(merged, theme.styles[token as ThemeToken]);
  return merged;
}

function sgrOfStyle(style: TokenStyle, { color, attributes }: Capabilities): string {
  const parameters: string[] = [];
  if (attributes) {
    if (style.bold === true) parameters.push("1");
    if (style.dim === true) parameters.push("2");
    if (style.italic === true) parameters.push("3");
    if (style.underline === true) parameters.push("4");
    if (style.inverse === true) parameters.push("7");
    if (style.strike === true) parameters.push("9");
  }
  if (color !== "none") {
    if (style.color !== undefined) parameters.push(sgrOfColor(style.color, color, "foreground"));
    if (style.background !== undefined) parameters.push(sgrOfColor(style.background, color, "background"));
  }
  return parameters.join(";");
}

const linkable = /^(?:https?|mailto|file):/i;
const HREF_LENGTH_MAX = 2000;

/**
 * The address in the form that is safe inside OSC 8, or undefined where it is none that a click should open.
 */
export function safeHref(address: string): string | undefined {
  if (!linkable.test(address) || address.length > HREF_LENGTH_MAX) return undefined;
  const encoded = address
    .toWellFormed()
    .replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
  return URL.canParse(encoded) ? encoded : undefined;
}
