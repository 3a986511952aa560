import { settlesWithin } from "../async/wait.ts";

/** Ends by a signal leave 128 and its number, as a shell expects. */
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** A job that nobody can resume is not stopped at all, and no signal says so. */
const NOT_STOPPED_MS = 200;

/**
 * Makes sure that `restore` runs whatever ends the process: a return, process.exit, a signal, an exception nobody
 * caught. Returns what undoes this.
 */
export function guardExits(options: {
  restore: () => void;
  leave: (exitCode: number) => void;
  /** What SIGINT does where the terminal makes it of Ctrl+C; otherwise it ends like the others. */
  interrupt?: (() => void) | undefined;
  fail: (error: unknown) => void;
}): () => void {
  const { restore, leave, interrupt, fail } = options;
  const handlers = Object.entries(signals).map(([signal, exitCode]) => {
    const handler = () => (signal === "SIGINT" && interrupt ? interrupt() : leave(exitCode));
    process.on(signal, handler);
    return () => process.off(signal, handler);
  });
  const crash = (error: unknown) => {
    restore();
    fail(error);
  };
  process.on("uncaughtException", crash);
  process.on("exit", restore);
  // The terminal is gone: there is nobody to tell.
  const ignore = () => {};
  process.stdout.on("error", ignore);
  return () => {
    for (const undo of handlers) undo();
    process.off("uncaughtException", crash);
    process.off("exit", restore);
    process.stdout.off("error", ignore);
  };
}

/** Stops the whole job, as Ctrl+Z does in a program that does not read keys itself; returns when it goes on. */
export async function stopJob(): Promise<void> {
  const resumed = Promise.withResolvers<void>();
  process.once("SIGCONT", resumed.resolve);
  process.kill(0, "SIGTSTP");
  await settlesWithin(resumed.promise, NOT_STOPPED_MS);
  process.off("SIGCONT", resumed.resolve);
  // A job that is stopped is not told of another size of the window; this has Node look.
  process.kill(process.pid, "SIGWINCH");
}
