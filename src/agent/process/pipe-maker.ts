import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** Two descriptors, both closed at exec. */
export type Pipe = { readEnd: number; writeEnd: number };

/**
 * Makes real pipes. What Node gives a child for its output is a socket, which `> /dev/stderr` and `tee
 * /dev/stdout` cannot open; and one pipe for both keeps what a command says and what it complains of in order.
 * A FIFO whose name is gone as soon as both ends are open is such a pipe.
 */
export type PipeMaker = {
  /** Undefined where it does not work (no mkfifo, a file system without FIFOs): use what Node gives then. */
  take(): Promise<Pipe | undefined>;
  close(): Promise<void>;
};

/** `dir` must be the user's alone: 0700. */
export function createPipeMaker(dir: string): PipeMaker {
  // mkfifo takes 2 to 3 ms: the next pipe is made while nobody waits for it.
  let spare: Promise<Pipe | undefined> | undefined;
  return {
    async take() {
      const pipe = await (spare ?? makePipe(dir));
      spare = pipe === undefined ? undefined : makePipe(dir);
      return pipe;
    },
    async close() {
      const pipe = await spare;
      spare = undefined;
      if (pipe === undefined) return;
      closeSync(pipe.readEnd);
      closeSync(pipe.writeEnd);
    },
  };
}

async function makePipe(dir: string): Promise<Pipe | undefined> {
  const path = join(dir, `pipe-${randomBytes(8).toString("hex")}`);
  let readEnd: number | undefined;
  try {
    await promisify(execFile)("mkfifo", ["-m", "600", path], { env: { PATH: "/usr/bin:/bin" } });
    readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { readEnd, writeEnd: openSync(path, constants.O_WRONLY) };
  } catch {
    if (readEnd !== undefined) closeSync(readEnd);
    return undefined; // as the type says
  } finally {
    tryUnlink(path);
  }
}

function tryUnlink(path: string) {
  try {
    unlinkSync(path);
  } catch {
    // mkfifo did not make it
  }
}
