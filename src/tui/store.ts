import { useSyncExternalStore } from "react";

export type Store<S> = {
  get(): S;
  set(next: S): void;
  subscribe(listener: () => void): () => void;
};

/** Holds one immutable value; listeners hear of each new one. */
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

/** A slice of the state. `select` returns a primitive or a stored object, never a new one. */
export const useSelect = <S, T>(store: Store<S>, select: (state: S) => T): T =>
  useSyncExternalStore(store.subscribe, () => select(store.get()));
