import { UsageError } from "../exit.ts";

/** The daemon accepts bodies up to 32 MiB. */
const PROMPT_BYTES_MAX = 31 * 1024 * 1024;

/**
 * The prompt on the command line. Only `-`, or no prompt at all, reads stdin, so that an open pipe does not hang a
 * script.
 */
export async function readPrompt(words: readonly string[]): Promise<string> {
  const isFromStdin = words.length === 0 || (words.length === 1 && words[0] === "-");
  if (words.length === 0 && process.stdin.isTTY) {
    throw new UsageError(
      'There is no prompt: give one, as in `hearth run "what is this?"`, or `-` to read stdin.',
    );
  }
  const prompt = isFromStdin ? await readStdin() : words.join(" ");
  if (prompt.trim() === "") throw new UsageError("The prompt is empty.");
  return prompt;
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > PROMPT_BYTES_MAX) throw new UsageError("The prompt on stdin is larger than 31 MiB.");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
