export type ColorDepth = "none" | "16" | "256" | "truecolor";

/** What the terminal can show and what the person has switched on or off. */
export type Capabilities = {
  isTTY: boolean;
  columns: number;
  rows: number;
  color: ColorDepth;
  /** Bold, underline and the like. On also with NO_COLOR; off without a terminal. */
  attributes: boolean;
  /** False: our own glyphs are ASCII. Other text stays as it is. */
  unicode: boolean;
  /** Links by OSC 8. */
  hyperlinks: boolean;
  /** Plain lines, words instead of glyphs, nothing aligned by spaces. */
  screenReader: boolean;
  /** False if the cursor cannot be moved (TERM=dumb, no terminal): there is no live region then. */
  cursor: boolean;
  /** A guess. */
  background: "dark" | "light";
};

type Terminal = { isTTY?: boolean | undefined; columns?: number | undefined; rows?: number | undefined };
type Env = Readonly<Record<string, string | undefined>>;

/** The width used for an output without a size. */
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;

/** Decides by the environment alone: a query to the terminal would have to be waited for. */
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

/** Whether an environment variable is switched on. */
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

/** The levels of FORCE_COLOR, as Node and chalk read it. As there, it overrules NO_COLOR. */
function forcedDepth(value: string): ColorDepth {
  if (value === "0" || value === "false") return "none";
  if (value === "2") return "256";
  if (value === "3") return "truecolor";
  return "16";
}

/** Unicode unless the locale names another encoding. It is often unset, over ssh and in containers. */
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
  // A multiplexer hides the terminal outside, and only newer versions pass links on.
  if (isSet(env["STY"]) || (isSet(env["TMUX"]) && !isTmuxWithLinks(env))) return false;
  if (isSet(env["WT_SESSION"]) || isSet(env["KITTY_WINDOW_ID"]) || isSet(env["KONSOLE_VERSION"])) return true;
  if (Number(env["VTE_VERSION"] ?? 0) >= 5000) return true;
  if (/kitty|ghostty|alacritty|wezterm|foot/.test(term)) return true;
  return /^(iTerm\.app|WezTerm|vscode|ghostty|Hyper|rio|tmux)$/.test(env["TERM_PROGRAM"] ?? "");
}

/** tmux passes OSC 8 on since 3.4. */
function isTmuxWithLinks(env: Env): boolean {
  const version = /^(\d+)\.(\d+)/.exec(
    env["TERM_PROGRAM"] === "tmux" ? (env["TERM_PROGRAM_VERSION"] ?? "") : "",
  );
  if (version === null) return false;
  const [major, minor] = [Number(version[1]), Number(version[2])];
  return major > 3 || (major === 3 && minor >= 4);
}

/** `COLORFGBG` ends with the background's palette number; 7 and 9 to 15 are light. Dark if it is not set. */
function backgroundOf(env: Env): "dark" | "light" {
  const background = /;(\d+)$/.exec(env["COLORFGBG"] ?? "")?.[1];
  if (background === undefined) return "dark";
  const index = Number(background);
  return index === 7 || (index >= 9 && index <= 15) ? "light" : "dark";
}
