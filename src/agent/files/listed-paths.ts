import { createPathIndex } from "../worker/path-index.ts";
import { startThread, type Thread } from "../worker/thread.ts";

/** Looked through where it is asked, in a millisecond or two; more of it by a thread of its own. */
const NEAR_BYTES_MAX = 512 * 1024;

/** What has been listed of a workspace so far, near at hand while it is little. */
export type ListedPaths = {
  add(chunk: Uint8Array): void;
  find(query: string, limit: number): Promise<string[]>;
  /** Forgets them and ends the thread. */
  close(): void;
};

export function createListedPaths(nearBytesMax = NEAR_BYTES_MAX): ListedPaths {
  const near = createPathIndex();
  let chunks: Uint8Array[] = [];
  let bytes = 0;
  let thread: Thread | undefined;

  const hand = (to: Thread, chunk: Uint8Array) => {
    // A thread that has failed says so when it is asked.
    to.ask("add_paths", chunk).catch(() => {});
  };
  return {
    add(chunk) {
      bytes += chunk.length;
      if (thread !== undefined) return hand(thread, chunk);
      if (bytes <= nearBytesMax) {
        near.add(chunk);
        chunks.push(chunk);
        return;
      }
      thread = startThread();
      for (const known of chunks) hand(thread, known);
      hand(thread, chunk);
      chunks = [];
    },
    find: async (query, limit) =>
      thread === undefined ? near.find(query, limit) : await thread.ask("find_paths", { query, limit }),
    close() {
      thread?.end();
    },
  };
}
