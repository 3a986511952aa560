type Env = Readonly<Record<string, string | undefined>>;

/** Sets the window's title. */
export const titleSequence = (title: string): string => `\x1b]2;${plain(title)}\x07`;

/**
 * Asks for attention: a desktop notification in terminals that have one, and the bell. In tmux the notification is
 * wrapped for the terminal outside, and the bell is for tmux itself.
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

/** Removes control characters, which could end the sequence or begin another. */
const plain = (text: string): string => text.replace(/[\x00-\x1f\x7f-\x9f]/g, " ").slice(0, 200);

/** The most base64 in one OSC 52: some terminals ignore a longer one. */
const COPY_MAX = 74_000;

/** Sets the clipboard of the terminal's machine, also through tmux and ssh; undefined if the text is too long. */
export function copySequence(text: string, env: Env): string | undefined {
  const encoded = Buffer.from(text, "utf8").toString("base64");
  if (encoded.length > COPY_MAX) return undefined;
  const sequence = `\x1b]52;c;${encoded}\x07`;
  // tmux reads the first one (option set-clipboard) and passes the wrapped one on (option allow-passthrough).
  return env["TMUX"] ? `${sequence}\x1bPtmux;${sequence.replaceAll("\x1b", "\x1b\x1b")}\x1b\\` : sequence;
}
