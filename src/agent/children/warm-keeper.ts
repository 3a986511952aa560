export type WarmLimits = { idle_evict_ms: number; max_warm: number };

/** A child that is kept running for the next turn. */
export type Warm = {
  isBusy(): boolean;
  /** Milliseconds of the keeper's clock. */
  usedAt(): number;
  /** Called once. The child then calls `remove`. */
  evict(): void;
};

export type WarmKeeper = {
  add(warm: Warm): void;
  remove(warm: Warm): void;
  /** Call this when a child begins or ends a turn. */
  changed(): void;
  close(): void;
};

/** A child is safe for this long between being handed out and its first turn. */
const GRACE_MS = 1000;

/**
 * Ends children that were idle for too long, and the least recently used ones beyond the limit. One per daemon; its
 * timer runs only while there are idle children.
 */
export function createWarmKeeper(deps: { limits(): WarmLimits; now(): number }): WarmKeeper {
  const all = new Set<Warm>();
  const evicted = new WeakSet<Warm>();
  let timer: NodeJS.Timeout | undefined;

  function evict(warm: Warm) {
    evicted.add(warm);
    warm.evict();
  }

  function check() {
    clearTimeout(timer);
    timer = undefined;
    const now = deps.now();
    const { idle_evict_ms, max_warm } = deps.limits();
    const kept = [...all].filter((warm) => !evicted.has(warm));
    const idle = kept.filter((warm) => !warm.isBusy()).sort((a, b) => a.usedAt() - b.usedAt());
    let over = kept.length - max_warm;
    let next = Number.POSITIVE_INFINITY;
    for (const warm of idle) {
      if (evicted.has(warm)) continue; // it was removed while another was evicted
      const idleMs = now - warm.usedAt();
      const limitMs = over > 0 ? Math.min(GRACE_MS, idle_evict_ms) : idle_evict_ms;
      if (idleMs >= limitMs) {
        evict(warm);
        over -= 1;
      } else next = Math.min(next, limitMs - idleMs);
    }
    if (next !== Number.POSITIVE_INFINITY) timer = setTimeout(check, next).unref();
  }

  return {
    add(warm) {
      all.add(warm);
      check();
    },
    remove(warm) {
      if (all.delete(warm)) check();
    },
    changed: check,
    close() {
      clearTimeout(timer);
      all.clear();
    },
  };
}
