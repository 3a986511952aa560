export type ColorDepth = "none" | "16" | "256" | "truecolor";

/** What the terminal can do and what the person asked for; all that layout needs to know of either. */
export type Capabilities = {
  isTTY: boolean;
  columns: number;
  rows: number;
  color: ColorDepth;
  /** False: glyphs fall back to ASCII. Text itself is left as it is. */
  unicode: boolean;
  /** OSC 8. */
  hyperlinks: boolean;
  /** Flat text, words instead of glyphs, no animation, no alignment by spaces. */
  screenReader: boolean;
  /** False without a cursor that can be moved (TERM=dumb, no terminal): no live region. */
  cursor: boolean;
  animations: boolean;
};
