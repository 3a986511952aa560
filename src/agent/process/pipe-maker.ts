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
  /**
   * At the end of what was written to a pipe, before its read end is closed: whoever wrote is gone, so that it is as
   * good as new. A session of many commands starts one mkfifo.
   */
  takeBack(readEnd: number): void;
  close(): Promise<void>;
};

/** Made by one mkfifo, which costs as much as starting any program: not to be paid for every few commands. */
const BATCH = 16;
/** With fewer left, the next batch is made, once whoever took the last one has had time for its own work. */
const SPARE_MIN = 3;
const REFILL_AFTER_MS = 250;

/** `dir` must be the user's alone: 0700. */
export function createPipeMaker(dir: string): PipeMaker {
  const spare: Pipe[] = [];
  let making: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const make = () => {
    making ??= makePipes(dir, BATCH).then((made) => {
      making = undefined;
      if (isClosed) made.forEach(closePipe);
      else spare.push(...made);
    });
    return making;
  };
  const refill = () => {
    timer = undefined;
    if (spare.length < SPARE_MIN) make().catch(() => {}); // never rejects
  };
  return {
    async take() {
      if (spare.length === 0) await make();
      const pipe = spare.shift();
      if (pipe !== undefined && spare.length < SPARE_MIN)
        timer ??= setTimeout(refill, REFILL_AFTER_MS).unref();
      return pipe;
    },
    takeBack(readEnd) {
      if (isClosed || spare.length >= BATCH) return;
      try {
        spare.push(openBothEnds(`/proc/self/fd/${readEnd}`));
      } catch {
        // No /proc: the next batch is made in its time.
      }
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      await making;
      spare.splice(0).forEach(closePipe);
    },
  };
}

async function makePipes(dir: string, count: number): Promise<Pipe[]> {
  const paths = Array.from({ length: count }, () => join(dir, `pipe-${randomBytes(8).toString("hex")}`));
  const pipes: Pipe[] = [];
  try {
    await promisify(execFile)("mkfifo", ["-m", "600", ...paths], { env: { PATH: "/usr/bin:/bin" } });
    for (const path of paths) pipes.push(openBothEnds(path));
  } catch {
    // No mkfifo, or no descriptors: as many as there are.
  } finally {
    paths.forEach(tryUnlink);
  }
  return pipes;
}

function openBothEnds(path: string): Pipe {
  const readEnd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    return { readEnd, writeEnd: openSync(path, constants.O_WRONLY) };
  } catch (error) {
    closeSync(readEnd);
    throw error;
  }
}

function closePipe({ readEnd, writeEnd }: Pipe): void {
  closeSync(readEnd);
  closeSync(writeEnd);
}

function tryUnlink(path: string) {
  try {
    unlinkSync(path);
  } catch {
    // mkfifo did not make it
  }
}
