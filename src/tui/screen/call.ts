type Env = Readonly<Record<string, string | undefined>>;

/** Sets the window's title. */
export const titleSequence = (title: string): string => `\x1b]2;${plain(title)}\x07`;

/**
 * Asks for a person's attention in the way the terminal knows: a desktop notification where it has one, the bell
 * everywhere. Through tmux the notification goes wrapped, and the bell besides, which tmux itself understands.
 */
export function callSequence(text: string, env: Env): string {
  const notification = notificationOf(plain(text), env);
  if (notification === undefined) return "\x07";
  if (!env["TMUX"]) return notification;
  return `\x1bPtmux;${notification.replaceAll("\x1b", "\x1b\x1b")}\x1b\\\x07`;
}

function notificationOf(text: string, env: Env): string | undefined {
  const program = env["TERM_PROGRAM"] ?? "";
  const term = env["TERM"] ?? "";
  if (env["KITTY_WINDOW_ID"] || term.includes("kitty"))
    return `\x1b]99;i=hearth:p=title;hearth\x1b\\\x1b]99;i=hearth:p=body;${text}\x1b\\`;
  if (/^(iTerm\.app|WezTerm|ghostty)$/.test(program) || term.includes("ghostty") || env["WEZTERM_PANE"]) {
    return `\x1b]9;hearth: ${text}\x07`;
  }
  if (term.includes("foot") || Number(env["VTE_VERSION"] ?? 0) >= 5000)
    return `\x1b]777;notify;hearth;${text.replaceAll(";", ",")}\x07`;
  return undefined;
}

/** Nothing that could end the sequence early, or begin another. */
const plain = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f]/g, " ").slice(0, 200);

/** Terminals take so much in one OSC 52 (of base64); beyond it some take nothing at all. */
const COPY_MAX = 74_000;

/** Puts text into the clipboard of the terminal's machine, through tmux and over ssh; undefined when it is too long. */
export function copySequence(text: string, env: Env): string | undefined {
  const encoded = Buffer.from(text, "utf8").toString("base64");
  if (encoded.length > COPY_MAX) return undefined;
  const sequence = `\x1b]52;c;${encoded}\x07`;
  // tmux takes it for its own buffer where it is told to (set-clipboard), and hands it on where it may (passthrough).
  return env["TMUX"] ? `${sequence}\x1bPtmux;${sequence.replaceAll("\x1b", "\x1b\x1b")}\x1b\\` : sequence;
}
