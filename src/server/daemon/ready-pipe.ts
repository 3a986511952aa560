import { closeSync, writeSync } from "node:fs";
import { READY_FD_VARIABLE, type ReadyLine } from "../../protocol/daemon-file.ts";

/** Tells whoever started this process detached, over the pipe it was given, what became of it. Speaks once. */
export function createReadyPipe(
  env: Readonly<Record<string, string | undefined>>,
): (line: ReadyLine) => void {
  const fd = Number(env[READY_FD_VARIABLE]);
  let isOpen = Number.isInteger(fd) && fd > 2;
  return (line) => {
    if (!isOpen) return;
    isOpen = false;
    try {
      writeSync(fd, `${JSON.stringify(line)}\n`);
      closeSync(fd);
    } catch {
      // Whoever waited for it has gone.
    }
  };
}
