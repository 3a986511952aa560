import type { HearthError } from "../../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Log } from "../daemon/log.ts";

/** A backup that holds the store for a moment is nobody's trouble. */
const TOLD_AFTER_MS = 1000;

type StoreWatchDeps = {
  log: Log;
  /** `trouble`: why nothing goes on there; null: it does again. Whether it could be told. */
  tell(wid: WorkspaceId, trouble: string | null): boolean;
};

/**
 * Which workspaces wait for the store. Ends and starts of runs are told when they are stored, so a store that cannot
 * be written would leave every terminal with a picture that stands still and says nothing.
 */
export function createStoreWatch({ log, tell }: StoreWatchDeps) {
  const waiting = new Map<WorkspaceId, Map<SessionId, HearthError>>();
  const told = new Map<WorkspaceId, string>();
  const timers = new Map<WorkspaceId, NodeJS.Timeout>();

  function show(wid: WorkspaceId) {
    timers.delete(wid);
    const [error] = waiting.get(wid)?.values() ?? [];
    if (error === undefined) return;
    told.set(wid, `Nothing can be saved: ${String(error.details["why"] ?? error.message)}`);
    log.error("the store cannot be written: what has happened waits for it", { workspace: wid, error });
    tell(wid, told.get(wid) ?? null);
  }

  function clear(wid: WorkspaceId) {
    timers.delete(wid);
    const trouble = told.get(wid);
    if (trouble === undefined || waiting.has(wid)) return;
    told.delete(wid);
    if (tell(wid, null)) return log.info("the store can be written again", { workspace: wid });
    told.set(wid, trouble);
    timers.set(
      wid,
      setTimeout(() => clear(wid), TOLD_AFTER_MS),
    );
  }

  return {
    /** Something of the session waits for the store because of `error`; null: nothing does. */
    look(wid: WorkspaceId, sid: SessionId, error: HearthError | null) {
      const sessions = waiting.get(wid) ?? new Map<SessionId, HearthError>();
      if (error !== null) sessions.set(sid, error);
      else sessions.delete(sid);
      waiting.set(wid, sessions);
      if (sessions.size > 0) {
        if (!told.has(wid) && !timers.has(wid))
          timers.set(
            wid,
            setTimeout(() => show(wid), TOLD_AFTER_MS),
          );
        return;
      }
      waiting.delete(wid);
      clearTimeout(timers.get(wid));
      clear(wid);
    },
    /** As it was told. */
    troubleIn: (wid: WorkspaceId): string | undefined => told.get(wid),
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
