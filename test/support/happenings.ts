/**
 * How long a test waits for something that should have happened: a bound on failing, never a pace. Two busy cores with
 * fifteen processes that want them are to pass as well.
 */
export const PATIENCE_MS = 60_000;

/** What happened, in order. Tests wait for it instead of for time to pass. */
export type Happenings<T> = {
  readonly all: readonly T[];
  add(item: T): void;
  /** No more will come: whoever waits is told why. */
  finish(reason: string): void;
  /** The first one that fits, past or future, from `from` on. */
  until<S extends T>(fits: (item: T) => item is S, what: string, from?: number): Promise<S>;
  until(fits: (item: T) => boolean, what: string, from?: number): Promise<T>;
};

export function createHappenings<T>(describe: (item: T) => string): Happenings<T> {
  const all: T[] = [];
  const waiting = new Set<{ fits(item: T): boolean; resolve(item: T): void; reject(error: Error): void }>();
  let over: string | undefined;

  const failure = (what: string, why: string) => {
    const seen = all.slice(-40).map((item) => `  ${describe(item)}`);
    return new Error(`${why} while waiting for: ${what}\nlast seen of ${all.length}:\n${seen.join("\n")}`);
  };
  return {
    all,
    add(item) {
      all.push(item);
      for (const waiter of [...waiting]) {
        if (!waiter.fits(item)) continue;
        waiting.delete(waiter);
        waiter.resolve(item);
      }
    },
    finish(reason) {
      over = reason;
      for (const waiter of [...waiting]) waiter.reject(new Error(reason));
    },
    until(fits: (item: T) => boolean, what: string, from = 0): Promise<T> {
      const found = all.slice(from).find(fits);
      if (found !== undefined) return Promise.resolve(found);
      if (over !== undefined) return Promise.reject(failure(what, over));
      const began = new Error("waited here");
      return new Promise<T>((resolve, reject) => {
        const done = () => {
          clearTimeout(timer);
          waiting.delete(waiter);
        };
        const refuse = (why: string) => {
          done();
          const error = failure(what, why);
          error.stack = `${error.message}\n${began.stack ?? ""}`;
          reject(error);
        };
        const waiter = {
          fits,
          resolve(item: T) {
            done();
            resolve(item);
          },
          reject: (error: Error) => refuse(error.message),
        };
        const timer = setTimeout(() => refuse(`nothing for ${PATIENCE_MS} ms`), PATIENCE_MS);
        waiting.add(waiter);
      });
    },
  };
}

/** A door that somebody waits at until the test opens it. */
export type Gate = { readonly passed: Promise<void>; open(): void };

export function createGate(): Gate {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: () => resolve() };
}

/**
 * For what tells nobody when it changes (a process that dies, a file that appears): asked again until it holds.
 * Everything that can be waited for as an event is.
 */
export async function eventually<T>(
  look: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`not within ${patienceMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Rejects when `promise` takes longer than a test should wait. */
export async function soon<T>(promise: Promise<T>, what: string, patienceMs = PATIENCE_MS): Promise<T> {
  const began = new Error("waited here");
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`not within ${patienceMs} ms: ${what}`, { cause: began }));
    }, patienceMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
