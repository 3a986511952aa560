import { createFolderGate, type FolderGate } from "../../src/agent/files/folder-gate.ts";

/** Real folders, and a way to wait until nobody waits for them any more: for tests whose time is not the clock's. */
export function createTrackedFolders() {
  const real = createFolderGate(async () => {});
  const entered = new Set<Promise<unknown>>();
  const folders: FolderGate = {
    enter(folder, work, signal) {
      const done = real.enter(folder, work, signal);
      const settled = done
        .catch(() => {}) // told to whoever entered
        .finally(() => entered.delete(settled));
      entered.add(settled);
      return done;
    },
  };
  return {
    folders,
    async left(): Promise<void> {
      while (entered.size > 0) await Promise.all(entered);
    },
  };
}
