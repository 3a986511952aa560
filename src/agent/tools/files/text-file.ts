import { isUtf8 } from "node:buffer";
import { createHash } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { isStillReal, type WorkspacePath } from "../../workspace-path.ts";
import { ToolFailure } from "../failure.ts";
import type { FileLedger } from "../tool.ts";
import { binaryTypeOf, hasUtf16Mark, SAMPLE_BYTES, sizeText, specialTypeOf } from "./file-type.ts";

/** Larger files are not read as a whole, compared or edited. */
export const TEXT_BYTES_MAX = 10 * 1024 * 1024;
const CHUNK_BYTES = 256 * 1024;
const BOM = "\ufeff";

/** A file's text for the tools: without byte order mark, and with \n if every line ended in \r\n. */
export type TextFile = {
  text: string;
  hasBom: boolean;
  isCrlf: boolean;
  /** Whether writing `text` back gives the same bytes; false if it is not UTF-8. */
  isFaithful: boolean;
  bytes: Buffer;
  stats: Stats;
  hash: string;
};

/**
 * Opens a regular file and nothing else: no pipe, which would block, no device, no link that has replaced it since the
 * path was resolved, and none of the kernel's endless files.
 */
export async function openRegular({
  real,
  shown,
}: WorkspacePath): Promise<{ handle: FileHandle; stats: Stats }> {
  if (/^\/(proc|sys|dev)(\/|$)/.test(real))
    throw new ToolFailure(`${shown} belongs to the kernel and is not a file: use bash to look at it.`);
  const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
  try {
    const stats = await handle.stat();
    const special = specialTypeOf(stats);
    if (special !== undefined) throw new ToolFailure(`${shown} is ${special}, not a file.`);
    if (!(await isStillReal(real))) throw new ToolFailure(movedText(shown));
    return { handle, stats };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

export const movedText = (shown: string): string =>
  `The path ${shown} changed its target a moment ago. Nothing was done.`;

/** Reads at most TEXT_BYTES_MAX, whatever size the file claims. Throws ToolFailure if there is more. */
async function readBytes(handle: FileHandle, shown: string, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let length = 0; ; ) {
    signal.throwIfAborted();
    const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(CHUNK_BYTES), 0, CHUNK_BYTES);
    if (bytesRead === 0) return Buffer.concat(chunks);
    chunks.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
    if (length > TEXT_BYTES_MAX)
      throw new ToolFailure(`${shown} is larger than ${sizeText(TEXT_BYTES_MAX)}: use bash to change it.`);
  }
}

/** Throws ToolFailure if it is not a regular file, not text or too large. Rejects with file system errors unchanged. */
export async function readTextFile(path: WorkspacePath, signal: AbortSignal): Promise<TextFile> {
  const { handle, stats } = await openRegular(path);
  try {
    if (stats.size > TEXT_BYTES_MAX)
      throw new ToolFailure(`${path.shown} is ${sizeText(stats.size)}, too large for this: use bash.`);
    const bytes = await readBytes(handle, path.shown, signal);
    const type = binaryTypeOf(bytes);
    if (type !== undefined) throw new ToolFailure(binaryText(path.shown, type, bytes.length));
    return { ...decodeText(bytes), bytes, stats, hash: hashOf(bytes) };
  } finally {
    await handle.close();
  }
}

/** Throws ToolFailure if the file is not text. */
export async function refuseBinary(path: WorkspacePath): Promise<void> {
  const { handle, stats } = await openRegular(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0);
    const type = binaryTypeOf(buffer.subarray(0, bytesRead));
    if (type !== undefined) throw new ToolFailure(binaryText(path.shown, type, stats.size));
  } finally {
    await handle.close();
  }
}

const binaryText = (shown: string, type: string, bytes: number): string =>
  `${shown} is ${type} (${sizeText(bytes)}), not text, and cannot be shown.`;

export const hashOf = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("base64url");

export function noteFile(ledger: FileLedger, path: WorkspacePath, file: TextFile): void {
  const { mtimeMs, size } = file.stats;
  ledger.note(path.real, { mtimeMs, size, hash: file.hash, text: file.text });
}

export function decodeText(bytes: Buffer): Pick<TextFile, "text" | "hasBom" | "isCrlf" | "isFaithful"> {
  const isUtf16 = hasUtf16Mark(bytes);
  const encoding = isUtf16 ? (bytes[0] === 0xff ? "utf-16le" : "utf-16be") : "utf-8";
  const decoded = new TextDecoder(encoding, { ignoreBOM: true }).decode(bytes);
  const hasBom = decoded.startsWith(BOM);
  const raw = hasBom ? decoded.slice(1) : decoded;
  const isCrlf = /\r\n/.test(raw) && !/(^|[^\r])\n/.test(raw);
  const isFaithful = !isUtf16 && isUtf8(bytes);
  return { text: isCrlf ? raw.replaceAll("\r\n", "\n") : raw, hasBom, isCrlf, isFaithful };
}

/** Encodes `text` with the byte order mark and line ends of the old file; the inverse of `decodeText`. */
export function encodeText(text: string, like: Pick<TextFile, "hasBom" | "isCrlf">): Buffer {
  const lines = like.isCrlf ? text.replaceAll("\n", "\r\n") : text;
  return Buffer.from(like.hasBom ? BOM + lines : lines, "utf8");
}
