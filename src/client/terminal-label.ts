import { readlinkSync } from "node:fs";

/** How this terminal is called in others: its tty, as `who` and `ps` name it; undefined where there is none. */
export function ttyName(): string | undefined {
  try {
    const path = readlinkSync("/proc/self/fd/0");
    return path.startsWith("/dev/") && path !== "/dev/null" ? path.slice("/dev/".length) : undefined;
  } catch {
    return undefined; // no /proc here
  }
}

export const terminalLabel = (env: Readonly<Record<string, string | undefined>>): string =>
  ttyName() ?? env["TERM_PROGRAM"] ?? "terminal";
