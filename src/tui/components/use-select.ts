import { useSyncExternalStore } from "react";
import type { Store } from "../state/store.ts";

/** Selects a slice of the state. `select` must return a primitive or a stored object: a new object each time loops. */
export const useSelect = <S, T>(store: Store<S>, select: (state: S) => T): T =>
  useSyncExternalStore(store.subscribe, () => select(store.get()));
