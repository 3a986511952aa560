import { settlesWithin } from "../../async/wait.ts";

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
  /** Somebody else stops the job: without a word the shell would get the terminal as it is now. */
  suspend: () => void;
  fail: (error: unknown) => void;
}): () => void {
  const { restore, leave, interrupt, suspend, fail } = options;
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
  process.on("SIGTSTP", suspend);
  // The terminal is gone: there is nobody to tell.
  const ignore = () => {};
  process.stdout.on("error", ignore);
  return () => {
    for (const undo of handlers) undo();
    process.off("uncaughtException", crash);
    process.off("exit", restore);
    process.off("SIGTSTP", suspend);
    process.stdout.off("error", ignore);
  };
}

/** Stops the whole job, as Ctrl+Z does in a program that does not read keys itself; returns when it goes on. */
export async function stopJob(): Promise<void> {
  const resumed = Promise.withResolvers<void>();
  process.once("SIGCONT", resumed.resolve);
  // Heard by nobody it stops the job.
  const heard = process.listeners("SIGTSTP");
  process.removeAllListeners("SIGTSTP");
  process.kill(0, "SIGTSTP");
  await settlesWithin(resumed.promise, NOT_STOPPED_MS);
  process.off("SIGCONT", resumed.resolve);
  for (const listener of heard) process.on("SIGTSTP", listener);
  // A job that is stopped is not told of another size of the window; this has Node look.
  process.kill(process.pid, "SIGWINCH");
}
