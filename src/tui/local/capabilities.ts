export type ColorDepth = "none" | "16" | "256" | "truecolor";

/** What the terminal can do and what the person asked for; all that layout needs to know of either. */
export type Capabilities = {
  isTTY: boolean;
  columns: number;
  rows: number;
  color: ColorDepth;
  /** Bold, underline and their like; goes without colours under NO_COLOR, is off where there is no terminal. */
  attributes: boolean;
  /** False: glyphs fall back to ASCII. Text itself is left as it is. */
  unicode: boolean;
  /** OSC 8. */
  hyperlinks: boolean;
  /** Flat text, words instead of glyphs, nothing aligned by spaces. */
  screenReader: boolean;
  /** False where the cursor cannot be moved (TERM=dumb, no terminal): no live region. */
  cursor: boolean;
  /** What the terminal's background is likely to be. */
  background: "dark" | "light";
};

type Terminal = { isTTY?: boolean | undefined; columns?: number | undefined; rows?: number | undefined };
type Env = Readonly<Record<string, string | undefined>>;

/** What a stream with no size of its own is laid out for. */
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** Judges by the environment alone: nothing is asked of the terminal, so nothing has to be waited for. */
export function detectCapabilities(env: Env, terminal: Terminal): Capabilities {
  const isTTY = terminal.isTTY === true;
  const isDumb = env["TERM"] === "dumb";
  const color = colorDepth(env, isTTY, isDumb);
  return {
    isTTY,
    columns: positive(terminal.columns) ?? positive(Number(env["COLUMNS"])) ?? COLUMNS_DEFAULT,
    rows: positive(terminal.rows) ?? positive(Number(env["LINES"])) ?? ROWS_DEFAULT,
    color,
    attributes: color !== "none" || (isTTY && !isDumb),
    unicode: hasUnicode(env, isDumb),
    hyperlinks: hasHyperlinks(env, isTTY && !isDumb),
    screenReader: isOn(env["HEARTH_SCREEN_READER"]) || isOn(env["INK_SCREEN_READER"]),
    cursor: isTTY && !isDumb,
    background: backgroundOf(env),
  };
}

const positive = (value: number | undefined): number | undefined =>
  value !== undefined && Number.isInteger(value) && value > 0 ? value : undefined;

/** A switch of the environment. */
export const isOn = (value: string | undefined): boolean => value === "true" || value === "1";
const isSet = (value: string | undefined): boolean => value !== undefined && value !== "";

function colorDepth(env: Env, isTTY: boolean, isDumb: boolean): ColorDepth {
  const forced = env["FORCE_COLOR"];
  if (isSet(forced)) return forcedDepth(forced ?? "");
  if (isSet(env["NO_COLOR"]) || !isTTY || isDumb) return "none";
  const term = env["TERM"] ?? "";
  if (/^(truecolor|24bit)$/.test(env["COLORTERM"] ?? "")) return "truecolor";
  if (isSet(env["WT_SESSION"]) || /kitty|ghostty|alacritty|wezterm|foot|direct/.test(term))
    return "truecolor";
  if (/^(iTerm\.app|WezTerm|vscode|ghostty)$/.test(env["TERM_PROGRAM"] ?? "")) return "truecolor";
  if (term.includes("256color") || env["TERM_PROGRAM"] === "Apple_Terminal") return "256";
  return "16";
}

/** The levels that Node and chalk read from FORCE_COLOR; it also overrules NO_COLOR, as there. */
function forcedDepth(value: string): ColorDepth {
  if (value === "0" || value === "false") return "none";
  if (value === "2") return "256";
  if (value === "3") return "truecolor";
  return "16";
}

/** An unset locale says nothing (ssh, containers), so only one that names another encoding counts as a no. */
function hasUnicode(env: Env, isDumb: boolean): boolean {
  if (isDumb || env["TERM"] === "linux") return false;
  const locale = [env["LC_ALL"], env["LC_CTYPE"], env["LANG"]].find(isSet);
  return locale === undefined || /utf-?8/i.test(locale);
}

function hasHyperlinks(env: Env, canEscape: boolean): boolean {
  const forced = env["FORCE_HYPERLINK"];
  if (isSet(forced)) return forced !== "0" && forced !== "false";
  if (!canEscape) return false;
  const term = env["TERM"] ?? "";
  // A multiplexer passes links on only from some versions on and says nothing about the terminal outside.
  if (isSet(env["STY"]) || (isSet(env["TMUX"]) && !isTmuxWithLinks(env))) return false;
  if (isSet(env["WT_SESSION"]) || isSet(env["KITTY_WINDOW_ID"]) || isSet(env["KONSOLE_VERSION"])) return true;
  if (Number(env["VTE_VERSION"] ?? 0) >= 5000) return true;
  if (/kitty|ghostty|alacritty|wezterm|foot/.test(term)) return true;
  return /^(iTerm\.app|WezTerm|vscode|ghostty|Hyper|rio|tmux)$/.test(env["TERM_PROGRAM"] ?? "");
}

/** tmux hands OSC 8 to the terminal outside since 3.4. */
function isTmuxWithLinks(env: Env): boolean {
  const version = /^(\d+)\.(\d+)/.exec(
    env["TERM_PROGRAM"] === "tmux" ? (env["TERM_PROGRAM_VERSION"] ?? "") : "",
  );
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major > 3 || (major === 3 && minor >= 4);
}

/** `COLORFGBG` ends with the background's palette number; 7 and 9 to 15 are light. Dark when nothing is said. */
function backgroundOf(env: Env): "dark" | "light" {
  const background = /;(\d+)$/.exec(env["COLORFGBG"] ?? "")?.[1];
  if (background === undefined) return "dark";
  const index = Number(background);
  return index === 7 || (index >= 9 && index <= 15) ? "light" : "dark";
}
