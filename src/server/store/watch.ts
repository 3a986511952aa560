import type { HearthError } from "../../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../../protocol/ids.ts";
import type { Log } from "../daemon/log.ts";

/** A store locked by a backup for a moment is not reported. */
const REPORT_AFTER_MS = 1000;

type StoreWatchDeps = {
  log: Log;
  /** `trouble`: why the workspace waits; null: it waits no longer. Returns whether it could be published. */
  tell(wid: WorkspaceId, trouble: string | null): boolean;
};

/**
 * Watches which workspaces wait for the store. Starts and ends of runs are published only once stored, so without this
 * an unwritable store would leave every terminal frozen without a reason.
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
    /** Something of the session waits for the store because of `error`; null: nothing waits. */
    update(wid: WorkspaceId, sid: SessionId, error: HearthError | null) {
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
    /** The trouble as published. */
    troubleIn: (wid: WorkspaceId): string | undefined => troubles.get(wid),
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
      timers.clear();
    },
  };
}
