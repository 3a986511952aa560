import { createPathIndex } from "../worker/path-index.ts";
import { startThread, type Thread } from "../worker/thread.ts";

/** Up to this size a search takes a millisecond or two on the calling thread; more goes to a worker thread. */
const LOCAL_BYTES_MAX = 512 * 1024;

/** The paths of a workspace listed so far. A worker thread searches them once they are many. */
export type ListedPaths = {
  add(chunk: Uint8Array): void;
  find(query: string, limit: number): Promise<string[]>;
  close(): void;
};

export function createListedPaths(localBytesMax = LOCAL_BYTES_MAX): ListedPaths {
  const localIndex = createPathIndex();
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let thread: Thread | undefined;

  const send = (to: Thread, chunk: Uint8Array) => {
    // A failed thread reports its error in `find`.
    to.ask("add_paths", chunk).catch(() => {});
  };
  return {
    add(chunk) {
      bytes += chunk.length;
      if (thread !== undefined) return send(thread, chunk);
      if (bytes <= localBytesMax) {
        localIndex.add(chunk);
        chunks.push(chunk);
        return;
      }
      thread = startThread();
      for (const known of chunks) send(thread, known);
      send(thread, chunk);
      chunks = [];
    },
    find: async (query, limit) =>
      thread === undefined ? localIndex.find(query, limit) : await thread.ask("find_paths", { query, limit }),
    close() {
      thread?.end();
    },
  };
}
