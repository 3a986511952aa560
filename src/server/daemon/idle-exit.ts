/** setTimeout takes no longer delay. */
const TIMER_MS_MAX = 2 ** 31 - 1;

type IdleExit = {
  isIdle(): boolean;
  /** Asked whenever the waiting begins. */
  idleExitMs(): number;
  exit(): void;
};

/** Calls `exit` after a time without work. A timer exists only while there is none. */
export function createIdleExit({ isIdle, idleExitMs, exit }: IdleExit) {
  let timer: NodeJS.Timeout | undefined;
  let isOver = false;
  const disarm = () => {
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    /** To be called whenever the answer of `isIdle` may have changed. */
    look() {
      if (isOver || !isIdle()) return disarm();
      timer ??= setTimeout(() => (isIdle() ? exit() : disarm()), Math.min(idleExitMs(), TIMER_MS_MAX));
    },
    /** Somebody asks for something: the waiting begins anew. */
    touch() {
      if (timer !== undefined) timer.refresh();
    },
    /** For good: clients that are cut off while the daemon ends make it idle, too. */
    stop() {
      isOver = true;
      disarm();
    },
  };
}
