import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

/** Two file descriptors, close-on-exec. */
export type Pipe = { readEnd: number; writeEnd: number };

/**
 * A pool of real pipes. Node gives a child sockets for its output, which `> /dev/stderr` and `tee /dev/stdout` cannot
 * open. One pipe for both outputs also keeps them in order. Each pipe is a FIFO that is unlinked once both ends are open.
 */
export type PipePool = {
  /** undefined if pipes cannot be made (no mkfifo, a file system without FIFOs): use Node's own then. */
  take(): Promise<Pipe | undefined>;
  /**
   * Call at the end of a pipe's stream, before its read end is closed: all writers are gone, so the pipe can be used
   * again. Then many commands need only one mkfifo.
   */
  recycle(readEnd: number): void;
  close(): Promise<void>;
};

/** Pipes made by one mkfifo, which costs as much as starting any program. */
const BATCH = 16;
/** With fewer left, the next batch is made, after a delay so that the current command starts first. */
const SPARE_MIN = 3;
const REFILL_AFTER_MS = 250;

/** `dir` must be the user's alone: 0700. */
export function createPipePool(dir: string): PipePool {
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
    recycle(readEnd) {
      if (isClosed || spare.length >= BATCH) return;
      try {
        spare.push(openBothEnds(`/proc/self/fd/${readEnd}`));
      } catch {
        // No /proc: the next batch is made when needed.
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
    // No mkfifo, or no descriptors left: return what there is.
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
    // mkfifo did not create it
  }
}
