import { settlesWithin } from "../../async/wait.ts";

/** The exit codes after a signal: 128 plus its number. */
const signals = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

/** Without job control SIGTSTP has no effect, and no SIGCONT follows: it is not waited for any longer. */
const NOT_STOPPED_MS = 200;

/**
 * Makes sure that `restore` runs whatever ends the process: a return, process.exit, a signal, an uncaught exception.
 * Returns a function that removes these handlers.
 */
export function guardExits(options: {
  restore: () => void;
  leave: (exitCode: number) => void;
  /** Handles SIGINT where Ctrl+C sends it, in a terminal of lines; without it SIGINT ends the process. */
  interrupt?: (() => void) | undefined;
  /** Called for a SIGTSTP from outside: the modes are to be restored before the job stops. */
  suspend: () => void;
  /** The job goes on, after whatever stop. */
  continued: () => void;
  fail: (error: unknown) => void;
}): () => void {
  const { restore, leave, interrupt, suspend, continued, fail } = options;
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
  process.on("SIGCONT", continued);
  // The terminal is gone: errors of its streams are ignored.
  const ignore = () => {};
  process.stdout.on("error", ignore);
  return () => {
    for (const undo of handlers) undo();
    process.off("uncaughtException", crash);
    process.off("exit", restore);
    process.off("SIGTSTP", suspend);
    process.off("SIGCONT", continued);
    process.stdout.off("error", ignore);
  };
}

/** Stops the whole job, as Ctrl+Z does in a terminal that is not in raw mode; returns when it continues. */
export async function stopJob(): Promise<void> {
  const resumed = Promise.withResolvers<void>();
  process.once("SIGCONT", resumed.resolve);
  // SIGTSTP stops the job only if it has no listener.
  const listeners = process.listeners("SIGTSTP");
  process.removeAllListeners("SIGTSTP");
  process.kill(0, "SIGTSTP");
  await settlesWithin(resumed.promise, NOT_STOPPED_MS);
  process.off("SIGCONT", resumed.resolve);
  for (const listener of listeners) process.on("SIGTSTP", listener);
  // A stopped job gets no SIGWINCH when the window's size changes: this makes Node read the size.
  process.kill(process.pid, "SIGWINCH");
}
