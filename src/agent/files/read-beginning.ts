import { constants } from "node:fs";
import { open } from "node:fs/promises";

/** The first bytes of a file, and its size. */
export type Beginning = { bytes: Buffer; size: number };

/**
 * Reads at most `bytesMax` from the start of a regular file; undefined for anything else, such as a pipe that nobody
 * writes to. Rejects with the system's error for a missing or unreadable file.
 */
export async function readBeginning(path: string, bytesMax: number): Promise<Beginning | undefined> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK); // without O_NONBLOCK, opening a pipe would hang
  const stat = await file.stat();
  if (!stat.isFile()) return undefined;
  const buffer = Buffer.alloc(Math.min(bytesMax, stat.size));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  return { bytes: buffer.subarray(0, bytesRead), size: stat.size };
}

const byteOrders = [
  { mark: [0xff, 0xfe], encoding: "utf-16le" },
  { mark: [0xfe, 0xff], encoding: "utf-16be" },
] as const;
/** Bytes checked for zero halves in text without a byte order mark. */
const LOOKED_AT_BYTES = 4096;

/** Detected by the byte order mark, or by every second byte being zero, as in Latin text. */
function utf16Of(bytes: Uint8Array): (typeof byteOrders)[number]["encoding"] | undefined {
  const marked = byteOrders.find(({ mark }) => bytes[0] === mark[0] && bytes[1] === mark[1]);
  if (marked !== undefined) return marked.encoding;
  const head = bytes.subarray(0, LOOKED_AT_BYTES);
  const zeros = [0, 0];
  for (const [at, byte] of head.entries()) if (byte === 0) zeros[at % 2] = (zeros[at % 2] ?? 0) + 1;
  const [even = 0, odd = 0] = zeros;
  if (odd > head.length / 4 && even === 0) return "utf-16le";
  return even > head.length / 4 && odd === 0 ? "utf-16be" : undefined;
}

/**
 * Decodes the beginning of a UTF-8 or UTF-16 file; undefined if it is not text. A character cut off at the end is left
 * out.
 */
export function decodeText(bytes: Uint8Array): string | undefined {
  const wide = utf16Of(bytes);
  if (wide === undefined && bytes.includes(0)) return undefined;
  return new TextDecoder(wide).decode(bytes, { stream: true }).toWellFormed();
}
