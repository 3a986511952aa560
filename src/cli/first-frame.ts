import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** What a row of the screen holds, and where the cursor is, as the terminal that takes over counts them. */
type Drawn = { rows: string[]; cursor: { row: number; column: number } };
export type FirstFrame = {
  /** Stops reading and drawing. Called once, by whoever takes the terminal over. */
  take(): { drawn: Drawn; typed: readonly Uint8Array[] };
  /** For when nobody will: the rows are erased and the terminal is as before. */
  close(): void;
};

const PASTE_ON = "\x1b[?2004h";
const PASTE_OFF = "\x1b[?2004l";
const ESC = "\x1b";
/** Ends by a signal leave 128 and its number, as a shell expects. */
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Draws the header and the prompt before anything heavy is loaded, and takes the keys from the first byte. What is
 * typed is echoed plainly and kept as bytes: the terminal proper decodes all of it again. Ctrl+C and, on an empty
 * prompt, Ctrl+D call `leave`. Returns undefined where there is no terminal to draw on.
 */
export function drawFirstFrame(options: {
  version: string;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  paths: { configDir: string };
  leave: () => void;
}): FirstFrame | undefined {
  const { stdin, stdout } = process;
  const { version, cwd, env, leave } = options;
  if (!stdin.isTTY || !stdout.isTTY || env["TERM"] === "dumb") return undefined;
  // Whatever is drawn again is read aloud again.
  if (wantsLines(env, options.paths.configDir)) return undefined;
  const columns = stdout.columns || 80;
  const typed: Uint8Array[] = [];
  let echoed = "";
  let isOpen = true;

  const rows = [headerRow(version, cwd, env, columns), "", "› "];
  const read = (chunk: Uint8Array) => {
    const text = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString("latin1");
    if (text === "\x03" || (text === "\x04" && typed.length === 0)) {
      close();
      leave();
      return;
    }
    typed.push(chunk);
    echo(text);
  };
  /** Only what is certainly plain: a letter beyond ASCII, a key or a paste waits for the real editor. */
  const echo = (text: string) => {
    if (echoed.includes(ESC) || !/^[\x20-\x7e]+$/.test(text)) {
      echoed += ESC; // from here on the picture could only be wrong
      return;
    }
    if (2 + echoed.length + text.length >= columns) return;
    echoed += text;
    stdout.write(text);
  };
  const stop = () => {
    isOpen = false;
    stdin.off("data", read);
    process.off("exit", close);
  };
  const close = () => {
    if (!isOpen) return;
    stop();
    for (const [signal, end] of endings) process.off(signal, end);
    stdin.pause();
    stdin.setRawMode(false);
    // Row by row: an erasure that begins in the first cell of the window is a clear to tmux, which keeps what it clears.
    stdout.write(`\r${ESC}[2K${ESC}[A${ESC}[2K${ESC}[A${ESC}[2K${PASTE_OFF}`);
  };
  // Whatever ends the process before somebody takes over, the terminal is as before.
  const endings = Object.entries(signals).map(([signal, exitCode]) => {
    // Stays when the frame is taken over: a signal that came while everything was loaded is told only afterwards, and
    // is lost when in between nobody listens.
    const end = () => {
      if (!isOpen) return;
      close();
      process.exit(exitCode);
    };
    process.on(signal, end);
    return [signal, end] as const;
  });
  process.on("exit", close);
  stdin.setRawMode(true);
  stdout.write(`${PASTE_ON}${rows.join("\r\n")}`);
  stdin.on("data", read);
  return {
    take() {
      stop();
      const shown = echoed.split(ESC)[0] ?? "";
      return {
        drawn: {
          rows: [rows[0] ?? "", "", `› ${shown}`.trimEnd()],
          cursor: { row: 2, column: 2 + shown.length },
        },
        typed,
      };
    },
    close,
  };
}

/** A glance at terminal.jsonc is enough here: when it is mistaken the first frame comes later, and that is all. */
function wantsLines(env: Readonly<Record<string, string | undefined>>, configDir: string): boolean {
  if (/^(true|1)$/.test(env["HEARTH_SCREEN_READER"] || env["INK_SCREEN_READER"] || "")) return true;
  try {
    return /"screen_reader"\s*:\s*true/.test(readFileSync(join(configDir, "terminal.jsonc"), "utf8"));
  } catch {
    return false; // none: hardly anybody has one
  }
}

function headerRow(
  version: string,
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  columns: number,
): string {
  const home = env["HOME"] || homedir();
  const path = cwd === home || cwd.startsWith(`${home}/`) ? `~${cwd.slice(home.length)}` : cwd;
  // Control characters may stand in a directory's name.
  const text = `hearth ${version} · ${path.replace(/[\x00-\x1f\x7f-\x9f]/g, "?")}`;
  return Array.from(text)
    .slice(0, columns - 1)
    .join("");
}
