import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** The drawn rows and the cursor position, for the terminal that takes over. */
type Drawn = { rows: string[]; cursor: { row: number; column: number } };
export type FirstFrame = {
  /** Stops reading and drawing. Called once, by the terminal that takes over. */
  take(): { drawn: Drawn; typed: readonly Uint8Array[] };
  /** If nobody takes over: erases the rows and restores the terminal. */
  close(): void;
};

const PASTE_ON = "\x1b[?2004h";
const PASTE_OFF = "\x1b[?2004l";
const ESC = "\x1b";
/** Exit codes after a signal: 128 plus its number, as shells expect. */
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/**
 * Draws the header and the prompt before anything heavy is loaded, and reads keys from the first byte. Typed text is
 * echoed plainly and kept as bytes, which the terminal decodes again. Ctrl+C, and Ctrl+D on an empty prompt, call
 * `leave`. Returns undefined if there is no terminal to draw on.
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
  // A screen reader reads redrawn rows aloud again.
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
  /** Echoes only plain ASCII. Other letters, keys and pastes wait for the real editor. */
  const echo = (text: string) => {
    if (echoed.includes(ESC) || !/^[\x20-\x7e]+$/.test(text)) {
      echoed += ESC; // any further echo could be wrong
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
    // Erases row by row: tmux takes an erasure from the window's first cell for a clear and keeps the cleared rows.
    stdout.write(`\r${ESC}[2K${ESC}[A${ESC}[2K${ESC}[A${ESC}[2K${PASTE_OFF}`);
  };
  // Restores the terminal if the process ends before anybody takes over.
  const endings = Object.entries(signals).map(([signal, exitCode]) => {
    // Stays after the takeover: a signal that arrives while modules load is only delivered afterwards, and would be
    // lost if nobody listened.
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

/** A rough look at terminal.jsonc is enough: a wrong guess only delays the first frame. */
function wantsLines(env: Readonly<Record<string, string | undefined>>, configDir: string): boolean {
  if (/^(true|1)$/.test(env["HEARTH_SCREEN_READER"] || env["INK_SCREEN_READER"] || "")) return true;
  try {
    return /"screen_reader"\s*:\s*true/.test(readFileSync(join(configDir, "terminal.jsonc"), "utf8"));
  } catch {
    return false; // most people have none
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
  // A directory's name may contain control characters.
  const text = `hearth ${version} · ${path.replace(/[\x00-\x1f\x7f-\x9f]/g, "?")}`;
  return Array.from(text)
    .slice(0, columns - 1)
    .join("");
}
