export type Store<S> = {
  get(): S;
  set(next: S): void;
  subscribe(listener: () => void): () => void;
};

/** Holds one immutable value and notifies listeners of changes. */
export function createStore<S>(initial: S): Store<S> {
  let state = initial;
  const listeners = new Set<() => void>();
  return {
    get: () => state,
    set(next) {
      if (next === state) return;
      state = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
