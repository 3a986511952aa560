import type { Store } from "../../src/server/store/open.ts";

/**
 * How a transaction goes wrong. `locked`: another program holds the store, it does not begin. `full`: all of it is
 * done, and then the disk has no room for it. `slow`: it takes so long that timers have run out behind it.
 */
export type Fault = "locked" | "full" | "slow";

const sqliteError = (code: string) => Object.assign(new Error(`${code} on purpose`), { code });

/** A real store whose outermost transactions fail when `faultOf` says so. They are counted from 1. */
export function createFaultyStore(
  real: Store,
  faultOf: (nth: number) => Fault | null,
  onSlow: () => void = () => {},
) {
  let count = 0;
  let depth = 0;
  const store: Store = {
    ...real,
    transaction(durability, work) {
      if (depth > 0) return real.transaction(durability, work);
      count += 1;
      const fault = faultOf(count);
      depth += 1;
      try {
        // Thrown inside, so that the store rolls back and says what it says of SQLite's own failures.
        if (fault === "locked")
          return real.transaction(durability, () => {
            throw sqliteError("SQLITE_BUSY");
          });
        const result = real.transaction(durability, () => {
          const made = work();
          if (fault === "full") throw sqliteError("SQLITE_FULL");
          return made;
        });
        if (fault === "slow") onSlow();
        return result;
      } finally {
        depth -= 1;
      }
    },
  };
  return {
    store,
    /** Transactions so far. */
    get count() {
      return count;
    },
  };
}
