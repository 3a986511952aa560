import type { Stats } from "node:fs";

type Signature = { type: string; at?: number; bytes: string };

/** The first bytes of a file, in latin1. */
const signatures: readonly Signature[] = [
  { type: "a PNG image", bytes: "\x89PNG" },
  { type: "a JPEG image", bytes: "\xff\xd8\xff" },
  { type: "a GIF image", bytes: "GIF8" },
  { type: "a WebP image", at: 8, bytes: "WEBP" },
  { type: "a PDF document", bytes: "%PDF-" },
  { type: "a ZIP archive", bytes: "PK\x03\x04" },
  { type: "a gzip archive", bytes: "\x1f\x8b" },
  { type: "a bzip2 archive", bytes: "BZh" },
  { type: "an xz archive", bytes: "\xfd7zXZ" },
  { type: "a zstd archive", bytes: "\x28\xb5\x2f\xfd" },
  { type: "a 7z archive", bytes: "7z\xbc\xaf" },
  { type: "a tar archive", at: 257, bytes: "ustar" },
  { type: "an ELF program", bytes: "\x7fELF" },
  { type: "a Mach-O program", bytes: "\xcf\xfa\xed\xfe" },
  { type: "a Mach-O program", bytes: "\xca\xfe\xba\xbe" },
  { type: "a Windows program", bytes: "MZ\x90" },
  { type: "a WebAssembly module", bytes: "\0asm" },
  { type: "an SQLite database", bytes: "SQLite format 3\0" },
  { type: "an audio file", bytes: "ID3" },
  { type: "a WOFF font", bytes: "wOF" },
  { type: "an MP4 video", at: 4, bytes: "ftyp" },
];

/** How much of a file is read to detect its type. */
export const SAMPLE_BYTES = 8192;

/** The type of a binary file ("a PNG image", "a binary file"), from its first bytes; undefined for text. */
export function binaryTypeOf(bytes: Buffer): string | undefined {
  const head = bytes.subarray(0, SAMPLE_BYTES).toString("latin1");
  const known = signatures.find(({ at = 0, bytes: sign }) => head.startsWith(sign, at));
  const isText = !head.includes("\0") || hasUtf16Mark(bytes);
  // The signatures of PDF and bzip2 are letters, so they count only if the file also has bytes that are not ASCII text.
  if (known !== undefined && (!isText || /[\x80-\xff]/.test(head))) return known.type;
  return isText ? undefined : "a binary file";
}

export const hasUtf16Mark = (bytes: Buffer): boolean =>
  (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);

/** What a path is, if not a regular file; undefined for a regular file. */
export function specialTypeOf(stats: Stats): string | undefined {
  if (stats.isFile()) return undefined;
  if (stats.isDirectory()) return "a folder";
  if (stats.isFIFO()) return "a named pipe";
  if (stats.isSocket()) return "a socket";
  if (stats.isCharacterDevice() || stats.isBlockDevice()) return "a device";
  return "a link"; // a link that was created after the path was resolved
}

/** "812 bytes", "4.2 KB", "1.3 GB". */
export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ["KB", "MB", "GB", "TB"];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}
