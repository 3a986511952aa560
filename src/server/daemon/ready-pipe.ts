import { closeSync, writeSync } from "node:fs";
import { READY_FD_VARIABLE, type ReadyLine } from "../../protocol/daemon-file.ts";

/** Reports once, over the inherited pipe, to the process that started this daemon: ready, or why not. */
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
      // the other process has gone
    }
  };
}
