/** A text's bytes as those of an earlier one: its first `head` and last `tail` bytes stay, and `middle` is between. */
export type BodyDifference = { head: number; tail: number; middle: Uint8Array };

/** Compared at once; Node compares blocks far faster than JavaScript compares bytes. */
const BLOCK_BYTES = 16 * 1024;

/** Each request of a conversation repeats the one before and adds a little. UTF-8; no character is divided. */
export function differenceOf(before: Uint8Array, body: Uint8Array): BodyDifference {
  const max = Math.min(before.length, body.length);
  let head = sameAtStart(before, body, max);
  while (head > 0 && isInsideCharacter(body[head])) head -= 1;
  let tail = sameAtEnd(before, body, max - head);
  while (tail > 0 && isInsideCharacter(body[body.length - tail])) tail -= 1;
  return { head, tail, middle: body.subarray(head, body.length - tail) };
}

export const applyDifference = (before: Uint8Array, { head, tail, middle }: BodyDifference): Uint8Array =>
  Buffer.concat([before.subarray(0, head), middle, before.subarray(before.length - tail)]);

const isInsideCharacter = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

function sameAtStart(a: Uint8Array, b: Uint8Array, max: number): number {
  let at = 0;
  while (at + BLOCK_BYTES <= max && isEqual(a, b, at, at)) at += BLOCK_BYTES;
  while (at < max && a[at] === b[at]) at += 1;
  return at;
}

function sameAtEnd(a: Uint8Array, b: Uint8Array, max: number): number {
  let count = 0;
  while (
    count + BLOCK_BYTES <= max &&
    isEqual(a, b, a.length - count - BLOCK_BYTES, b.length - count - BLOCK_BYTES)
  )
    count += BLOCK_BYTES;
  while (count < max && a[a.length - count - 1] === b[b.length - count - 1]) count += 1;
  return count;
}

const isEqual = (a: Uint8Array, b: Uint8Array, atA: number, atB: number): boolean =>
  Buffer.compare(a.subarray(atA, atA + BLOCK_BYTES), b.subarray(atB, atB + BLOCK_BYTES)) === 0;
