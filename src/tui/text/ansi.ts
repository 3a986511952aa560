import type { Capabilities } from "../local/capabilities.ts";
import type { Theme } from "../theme.ts";
import { sgrOfColor } from "./color.ts";
import type { Line } from "./line.ts";
import { createLooks, type Look, type Looks, type Run } from "./looks.ts";

/** Turns a line of spans into text for a terminal. */
export type Painter = (line: Line) => string;

/** The escape sequences that switch an attribute or a colour on and off. */
type Code = { on: string; off: string };

const sgr = (on: string | number, off: number): Code => ({ on: `\x1b[${on}m`, off: `\x1b[${off}m` });
const LINK_END = "\x1b]8;;\x07";

/**
 * Paints rows that do not go through Ink. The bytes are the same as Ink's for the same line (a test compares them), so
 * that a row which goes from the live region to the scrollback does not have to be redrawn. Each painted row starts and
 * ends unstyled.
 */
export const createPainter = (theme: Theme, capabilities: Capabilities): Painter =>
  painterOf(createLooks(theme, capabilities));

export function painterOf(looks: Looks): Painter {
  const known = new Map<Look, readonly Code[]>();
  const codesOf = ({ look, href }: Run): readonly Code[] => {
    let codes = known.get(look);
    if (codes === undefined) {
      codes = codesOfLook(look);
      known.set(look, codes);
    }
    return href === undefined ? codes : [{ on: `\x1b]8;;${href}\x07`, off: LINK_END }, ...codes];
  };
  return (line) => {
    let painted = "";
    let current: readonly Code[] = [];
    for (const run of looks.runs(line)) {
      const next = inOrder(current, codesOf(run));
      painted += changeOf(current, next) + run.text;
      current = next;
    }
    return (painted + changeOf(current, [])).trimEnd();
  };
}

/** The outermost first, in the order in which Ink's `Text` nests them. */
function codesOfLook(look: Look): Code[] {
  return [
    ...(look.inverse === true ? [sgr(7, 27)] : []),
    ...(look.strikethrough === true ? [sgr(9, 29)] : []),
    ...(look.underline === true ? [sgr(4, 24)] : []),
    ...(look.italic === true ? [sgr(3, 23)] : []),
    ...(look.bold === true ? [sgr(1, 22)] : []),
    ...(look.backgroundColor === undefined ? [] : [sgr(sgrOfColor(look.backgroundColor, "background"), 49)]),
    ...(look.color === undefined ? [] : [sgr(sgrOfColor(look.color, "foreground"), 39)]),
    ...(look.dimColor === true ? [sgr(2, 22)] : []),
  ];
}

const INTENSITY_OFF = "\x1b[22m";

/** Orders the codes of the next run: those that are on already come first. */
function inOrder(current: readonly Code[], next: readonly Code[]): readonly Code[] {
  if (current.length === 0) return next;
  const isIntensityEnded = current.some(({ on, off }) => off === INTENSITY_OFF && !has(next, on));
  const kept = current.filter(({ on, off }) => has(next, on) && !(isIntensityEnded && off === INTENSITY_OFF));
  return [...kept, ...next.filter(({ on }) => !has(kept, on))];
}

const has = (codes: readonly Code[], on: string): boolean => codes.some((code) => code.on === on);

/** Switches codes off, innermost first, and others on. A colour replaces another without being switched off. */
function changeOf(from: readonly Code[], to: readonly Code[]): string {
  const goesOn = (code: Code) =>
    code.off === INTENSITY_OFF ? has(to, code.on) : to.some(({ off }) => off === code.off);
  const ends = from.filter((code) => !goesOn(code)).map(({ off }) => off);
  // Bold and dim share one "off" code.
  const isIntensityEnded = ends.includes(INTENSITY_OFF);
  const begins = to.filter(
    ({ on, off }) => !from.some((code) => code.on === on) || (isIntensityEnded && off === INTENSITY_OFF),
  );
  return [...new Set(ends.reverse()), ...begins.map(({ on }) => on)].join("");
}

const linkable = /^(?:https?|mailto|file):/i;
const HREF_LENGTH_MAX = 2000;

/**
 * The address in a form that is safe inside OSC 8; undefined for a scheme that a click should not open.
 */
export function safeHref(address: string): string | undefined {
  if (!linkable.test(address) || address.length > HREF_LENGTH_MAX) return undefined;
  const encoded = address
    .toWellFormed()
    .replace(/[^\x21-\x7e]/gu, (character) => encodeURIComponent(character));
  return URL.canParse(encoded) ? encoded : undefined;
}
