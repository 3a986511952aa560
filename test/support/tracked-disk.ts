import { createFolderGate, type FolderGate } from "../../src/agent/files/folder-gate.ts";
import { createDiskJudge, type DiskJudge } from "../../src/agent/permission/judge-on-disk.ts";

/** The real disk, and a way to wait until nobody waits for it any more: for tests whose time is not the clock's. */
export function createTrackedDisk() {
  const gate = createFolderGate(async () => {});
  const realJudge = createDiskJudge();
  const waited = new Set<Promise<unknown>>();
  function track<T>(done: Promise<T>): Promise<T> {
    const settled = done
      .catch(() => {}) // told to whoever waits for it
      .finally(() => waited.delete(settled));
    waited.add(settled);
    return done;
  }
  const folders: FolderGate = {
    enter: (folder, work, signal) => track(gate.enter(folder, work, signal)),
  };
  const judge: DiskJudge = (...asked) => track(realJudge(...asked));
  return {
    folders,
    judge,
    async left(): Promise<void> {
      while (waited.size > 0) await Promise.all(waited);
    },
  };
}
