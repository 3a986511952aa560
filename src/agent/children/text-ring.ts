/** Keeps the end of a child's output, for the message when it dies. */
export type TextRing = {
  push(chunk: Buffer): void;
  /** The last lines that are not empty, without control sequences. */
  tail(charsMax: number): string;
  /** Later tails leave out what was written so far. */
  mark(): void;
};

export function createTextRing(bytesMax: number): TextRing {
  let chunks: Buffer[] = [];
  let bytes = 0;
  /** The kept bytes after the mark. */
  let newBytes = 0;
  return {
    push(chunk) {
      const kept = chunk.length > bytesMax ? chunk.subarray(chunk.length - bytesMax) : chunk;
      // Copied, because a slice would keep its whole buffer alive.
      chunks.push(Buffer.from(kept));
      bytes += kept.length;
      newBytes = Math.min(newBytes + kept.length, bytesMax);
      while (bytes > bytesMax) {
        const first = chunks.shift();
        if (first === undefined) break;
        const over = bytes - bytesMax;
        bytes -= first.length;
        if (first.length <= over) continue;
        const rest = first.subarray(over);
        chunks.unshift(rest);
        bytes += rest.length;
      }
      // Many small writes would make a long list of tiny buffers.
      if (chunks.length > 1024) chunks = [Buffer.concat(chunks)];
    },
    tail(charsMax) {
      // At most four bytes per character, and as much again for what is left out.
      const wanted = Math.min(newBytes, charsMax * 8);
      const held = Buffer.concat(chunks);
      const text = held.subarray(held.length - wanted).toString("utf8");
      const lines = plainText(text)
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "");
      const all = lines.join("\n");
      if (all.length <= charsMax) return all;
      const cut = all.slice(-charsMax);
      // Drop a cut line if there is a whole one.
      const whole = all.at(-charsMax - 1) === "\n" ? 0 : cut.indexOf("\n") + 1;
      return cut.slice(whole);
    },
    mark() {
      newBytes = 0;
    },
  };
}

/** Without escape sequences and control characters. */
export const plainText = (text: string): string =>
  text
    .replace(/\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\^_])/g, "")
    .replace(/\r\n?/g, "\n")
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
