import type { RunId, SessionId, WorkspaceId } from "../../protocol/ids.ts";
import { filesNews } from "../agent-news.ts";
import type { Agents } from "../agents.ts";
import type { Coordinators } from "../coordinators.ts";
import { type Journal, publicMessage } from "../events/journal.ts";
import type { Store } from "../store/open.ts";

/** What an undo or a redo changes in the store, once the files are written. Kept as JSON until it is done. */
export type HistoryChange = {
  action: "undo" | "redo";
  workspace_id: WorkspaceId;
  session_id: SessionId;
  /** The turns whose files were written. */
  runs: readonly RunId[];
  /** Those files; unknown when a killed daemon wrote them. */
  files?: readonly string[] | undefined;
  /** The messages, by their numbers; null: the conversation stays. */
  cut: { from: number; before: number } | null;
};

type HistoryDeps = {
  store: Store;
  journal: Journal;
  agents: Pick<Agents, "forgetConversations">;
  coordinators: Coordinators;
  /** A failure of what follows. */
  report(message: string, cause: unknown): void;
};

/** Stores a change of history and tells every client. Doing it twice is harmless. Throws store_unavailable. */
export function createHistory({ store, journal, agents, coordinators, report }: HistoryDeps) {
  return ({ action, workspace_id, session_id, runs, files = [], cut }: HistoryChange): void => {
    if (store.sessions.get(session_id) === undefined) return; // deleted meanwhile
    journal.commit(workspace_id, "synced", (tx) => {
      for (const run of runs) store.checkpoints.setUndone(run, action === "undo" ? 1 : 0);
      if (cut === null) {
        const what = action === "undo" ? "taken_back" : "brought_back";
        if (runs.length > 0) store.sessions.addNews(session_id, filesNews(what, files));
        return;
      }
      if (action === "undo")
        for (const message_id of store.messages.hide(session_id, cut.from))
          tx.publish({ type: "message.deleted", session_id, payload: { message_id } });
      else
        for (const message of store.messages.show(session_id, cut.from, cut.before))
          tx.publish({
            type: "message.created",
            session_id,
            payload: { message: publicMessage(message) },
          });
      agents.forgetConversations(session_id, cut.from);
      const coordinator = coordinators.known(session_id);
      // A prompt that came meanwhile goes on from here.
      if (action === "undo" && coordinator?.isIdle() === false) {
        store.messages.forgetUndone(session_id);
        store.checkpoints.forgetUndone(session_id);
      }
    });
    const coordinator = coordinators.known(session_id);
    void coordinator
      ?.historyChanged()
      .catch((cause) => report("an agent's session could not be closed after an undo", cause));
  };
}
