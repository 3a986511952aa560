import { UsageError } from "./exit.ts";

const SECRET_CHARS_MAX = 10_000;
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";
const CTRL_U = "\u0015";

/** Reads one line that a terminal does not show. From a pipe, its first line. Throws UsageError on Ctrl+C. */
export async function readSecret(question: string): Promise<string> {
  const { stdin, stderr } = process;
  if (!stdin.isTTY) return (await readPiped()).split("\n")[0]?.trim() ?? "";
  stderr.write(question);
  stdin.setRawMode(true);
  stdin.resume();
  try {
    return await new Promise<string>((resolve, reject) => {
      let typed = "";
      stdin.setEncoding("utf8").on("data", (text: string) => {
        // A pasted key comes in one piece, in a terminal that marks pastes between two sequences.
        for (const char of text.replaceAll(/\u001b\[20[01]~/g, "")) {
          if (char === "\r" || char === "\n" || char === CTRL_D) return resolve(typed.trim());
          if (char === CTRL_C) return reject(new UsageError("Canceled; nothing has changed."));
          if (char === CTRL_U) typed = "";
          else if (char === "\u007f" || char === "\b") typed = Array.from(typed).slice(0, -1).join("");
          else if (char >= " " && typed.length < SECRET_CHARS_MAX) typed += char;
        }
      });
      stdin.on("end", () => resolve(typed.trim()));
    });
  } finally {
    stdin.removeAllListeners("data");
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}

async function readPiped(): Promise<string> {
  let text = "";
  for await (const chunk of process.stdin.setEncoding("utf8") as AsyncIterable<string>) {
    text += chunk;
    if (text.length > SECRET_CHARS_MAX) throw new UsageError("That is too long for a key.");
  }
  return text;
}
