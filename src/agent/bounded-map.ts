/** A map that forgets what was set longest ago, once it holds more than `sizeMax`. */
export function createBoundedMap<Key, Value>(sizeMax: number) {
  const entries = new Map<Key, Value>(); // in the order they were last set
  return {
    get: (key: Key): Value | undefined => entries.get(key),
    has: (key: Key): boolean => entries.has(key),
    /** Returns whether it was there. */
    delete: (key: Key): boolean => entries.delete(key),
    set(key: Key, value: Value) {
      entries.delete(key);
      entries.set(key, value);
      const oldest = entries.keys().next();
      if (entries.size > sizeMax && !oldest.done) entries.delete(oldest.value);
    },
  };
}
