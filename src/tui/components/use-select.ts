import { useSyncExternalStore } from "react";
import type { Store } from "../state/store.ts";

/** A slice of the state. `select` returns a primitive or a stored object, never a new one. */
export const useSelect = <S, T>(store: Store<S>, select: (state: S) => T): T =>
  useSyncExternalStore(store.subscribe, () => select(store.get()));
