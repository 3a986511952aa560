/** The end of what a child writes, for the day it dies. */
export type TextRing = {
  push(chunk: Buffer): void;
  /** The last lines that say something, at most so many characters, without what a terminal would not show. */
  tail(charsMax: number): string;
};

export function createTextRing(bytesMax: number): TextRing {
  let chunks: Buffer[] = [];
  let bytes = 0;
  return {
    push(chunk) {
      const kept = chunk.length > bytesMax ? chunk.subarray(chunk.length - bytesMax) : chunk;
      // A copy: a slice would keep the whole of what it was read into.
      chunks.push(Buffer.from(kept));
      bytes += kept.length;
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
      // Four bytes a character at most, and as much again for what is left out.
      const wanted = Math.min(bytes, charsMax * 8);
      const all = Buffer.concat(chunks);
      const text = all.subarray(all.length - wanted).toString("utf8");
      const lines = plainText(text)
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => line !== "");
      return lines.join("\n").slice(-charsMax);
    },
  };
}

/** Without escape sequences and control characters. */
export const plainText = (text: string): string =>
  text
    .replace(/\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)?|[@-Z\\^_])/g, "")
    .replace(/\r\n?/g, "\n")
    .replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
