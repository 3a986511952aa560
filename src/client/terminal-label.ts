import { readlinkSync } from "node:fs";

/** This terminal's tty, as `who` and `ps` show it; undefined if there is none. */
export function ttyName(): string | undefined {
  try {
    const path = readlinkSync("/proc/self/fd/0");
    return path.startsWith("/dev/") && path !== "/dev/null" ? path.slice("/dev/".length) : undefined;
  } catch {
    return undefined; // no /proc
  }
}

export const terminalLabel = (env: Readonly<Record<string, string | undefined>>): string =>
  ttyName() ?? env["TERM_PROGRAM"] ?? "terminal";
