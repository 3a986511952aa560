import type { HearthError } from "../../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Log } from "../daemon/log.ts";

/** A backup that holds the store for a moment is nobody's trouble. */
const REPORT_AFTER_MS = 1000;

type StoreWatchDeps = {
  log: Log;
  /** `trouble`: why nothing goes on there; null: it does again. Whether it could be troubles. */
  tell(wid: WorkspaceId, trouble: string | null): boolean;
};

/**
 * Which workspaces wait for the store. Ends and starts of runs are troubles when they are stored, so a store that cannot
 * be written would leave every terminal with a picture that stands still and says nothing.
 */
export function createStoreWatch({ log, tell }: StoreWatchDeps) {
  const waiting = new Map<WorkspaceId, Map<SessionId, HearthError>>();
  const troubles = new Map<WorkspaceId, string>();
  const timers = new Map<WorkspaceId, NodeJS.Timeout>();

  function show(wid: WorkspaceId) {
    timers.delete(wid);
    const [error] = waiting.get(wid)?.values() ?? [];
    if (error === undefined) return;
    troubles.set(wid, `Nothing can be saved: ${String(error.details["why"] ?? error.message)}`);
    log.error("the store cannot be written: what has happened waits for it", { workspace: wid, error });
    tell(wid, troubles.get(wid) ?? null);
  }

  function clear(wid: WorkspaceId) {
    timers.delete(wid);
    const trouble = troubles.get(wid);
    if (trouble === undefined || waiting.has(wid)) return;
    troubles.delete(wid);
    if (tell(wid, null)) return log.info("the store can be written again", { workspace: wid });
    troubles.set(wid, trouble);
    timers.set(
      wid,
      setTimeout(() => clear(wid), REPORT_AFTER_MS),
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
        if (!troubles.has(wid) && !timers.has(wid))
          timers.set(
            wid,
            setTimeout(() => show(wid), REPORT_AFTER_MS),
          );
        return;
      }
      waiting.delete(wid);
      clearTimeout(timers.get(wid));
      clear(wid);
    },
    /** As it was troubles. */
    troubleIn: (wid: WorkspaceId): string | undefined => troubles.get(wid),
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
