import { closeSync, openSync, readSync } from "node:fs";

/**
 * Random bytes as hex digits, from where node:crypto has them too: loading that costs a short command a tenth of its
 * start. Every system that hearth runs on has the device.
 */
export function randomHex(bytes: number): string {
  const buffer = Buffer.alloc(bytes);
  const device = openSync("/dev/urandom", "r");
  try {
    for (let read = 0; read < bytes; ) read += readSync(device, buffer, read, bytes - read, null);
  } finally {
    closeSync(device);
  }
  return buffer.toString("hex");
}
