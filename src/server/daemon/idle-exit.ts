/** The longest delay that setTimeout accepts. */
const TIMER_MS_MAX = 2 ** 31 - 1;

type IdleExit = {
  isIdle(): boolean;
  /** Called whenever the timer starts. */
  idleExitMs(): number;
  exit(): void;
};

/** Calls `exit` after a time without work. While there is work, there is no timer. */
export function createIdleExit({ isIdle, idleExitMs, exit }: IdleExit) {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const disarm = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    /** Call it whenever the result of `isIdle` may have changed. */
    update() {
      if (isOver || !isIdle()) return disarm();
      timer ??= setTimeout(() => (isIdle() ? exit() : disarm()), Math.min(idleExitMs(), TIMER_MS_MAX));
    },
    /** A request came: restarts the timer. */
    restart() {
      if (timer !== undefined) timer.refresh();
    },
    /** Stops for good. Closing the clients at shutdown also makes the daemon idle. */
    stop() {
      isOver = true;
      disarm();
    },
  };
}
