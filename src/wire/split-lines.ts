/** A line without its line break, or the two ends of a line that was too long. */
export type Line = { kind: "line"; bytes: Buffer } | { kind: "oversize"; head: string; tail: string };

const NEWLINE = 0x0a;
const END_BYTES = 512;

/** Splits a byte stream into lines. Of a line longer than `bytesMax` only both ends are kept in memory. */
export function createLineSplitter(bytesMax: number) {
  let pending: Buffer[] = [];
  let length = 0;
  let ends: { head: Buffer; tail: Buffer } | undefined;

  function take(last: Buffer): Line {
    const line: Line =
      ends === undefined
        ? { kind: "line", bytes: pending.length === 0 ? last : Buffer.concat([...pending, last]) }
        : { kind: "oversize", head: ends.head.toString("utf8"), tail: ends.tail.toString("utf8") };
    pending = [];
    length = 0;
    ends = undefined;
    return line;
  }

  function hold(part: Buffer) {
    length += part.length;
    if (ends !== undefined) {
      ends.tail = ending([ends.tail, part]);
      return;
    }
    pending.push(part);
    if (length <= bytesMax) return;
    ends = { head: beginning(pending), tail: ending(pending) };
    pending = [];
  }

  return {
    *push(chunk: Buffer): Generator<Line> {
      let start = 0;
      for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
        const part = chunk.subarray(start, end);
        start = end + 1;
        if (length + part.length > bytesMax) hold(part);
        yield take(ends === undefined ? part : Buffer.alloc(0));
      }
      if (start < chunk.length) hold(chunk.subarray(start));
    },
  };
}

function beginning(parts: readonly Buffer[]): Buffer {
  const head = Buffer.alloc(END_BYTES);
  let length = 0;
  for (const part of parts) {
    length += part.copy(head, length);
    if (length === END_BYTES) break;
  }
  return head.subarray(0, length);
}

/** A copy, so that the parts do not stay in memory. */
function ending(parts: readonly Buffer[]): Buffer {
  let left = END_BYTES;
  const kept: Buffer[] = [];
  for (const part of parts.toReversed()) {
    if (left === 0) break;
    const end = part.subarray(Math.max(0, part.length - left));
    kept.unshift(end);
    left -= end.length;
  }
  return Buffer.concat(kept);
}
