import type { ChangedTurn, Checkpoints } from "../../agent/checkpoint/checkpoints.ts";
import { type RawPath, shownPath } from "../../agent/checkpoint/file-state.ts";
import type { FileConflict, FileWrite } from "../../agent/checkpoint/plan.ts";
import { lastChange, spokenOf } from "../../agent/run/context-changes.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../../protocol/ids.ts";
import { messageText } from "../../protocol/message-text.ts";
import type { RedoBody, Undone } from "../../protocol/undo.ts";
import type { Coordinators } from "../coordinators.ts";
import { publicMessage } from "../events/journal.ts";
import type { Services } from "../services.ts";
import type { StoredTurn } from "../store/checkpoints.ts";
import type { Store } from "../store/open.ts";
import type { StoredSession } from "../store/sessions.ts";
import type { HistoryChange } from "./history.ts";
import { troubleOf } from "./turn-checkpoints.ts";
import { type Checkpoint, firstOf, turnOf } from "./turns.ts";

type UndoDeps = {
  store: Store;
  coordinators: Coordinators;
  checkpoints(wid: WorkspaceId): Checkpoints;
  /** Throws workspace_not_found, session_not_found. */
  sessionOf(wid: WorkspaceId, sid: SessionId): StoredSession;
  /** Throws workspace_closing, daemon_stopping. */
  mustAccept(wid: WorkspaceId): void;
  /** Stores and tells that turns were taken back or brought back. */
  changeHistory(change: HistoryChange): void;
};

/** Undo and redo may have to look at thousands of files. */
const UNDO_MS_MAX = 120_000;
const CUT_OFF =
  "was changed during a turn that a crash cut off, so it cannot be told whether the agent changed it or you did";
function refuse(cause: unknown): never {
  if (cause instanceof HearthError) throw cause;
  throw new HearthError("files_unavailable", `Nothing was changed: ${troubleOf(cause)}`, { cause });
}
const BY_ANOTHER = "was changed by another session during that turn";
/** As many messages tell whether a compaction is the last thing that happened. */
const LOOKED_AT = 50;

/** Takes turns back and brings them back: the workspace's files, the conversation, or both. */
export function createUndo(deps: UndoDeps): Services["undo"] & {
  /** Resolves when no undo is under way in the workspace. */
  whenDone(wid: WorkspaceId): Promise<void>;
  /** Finishes or takes back what a killed daemon was writing; runs wait for it. */
  recover(wid: WorkspaceId, responds: Promise<void>): Promise<void>;
} {
  const { store, coordinators } = deps;
  /** Undos that are under way. Runs of the workspace wait for them. */
  const busy = new Map<WorkspaceId, Promise<unknown>>();

  function mustBeIdle(wid: WorkspaceId, sid: SessionId) {
    if (!coordinators.of(wid, sid).isIdle())
      throw new HearthError(
        "session_busy",
        "A run is active in this session: cancel it or wait for its end.",
      );
  }

  /** One at a time in a workspace. */
  async function alone<T>(wid: WorkspaceId, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (busy.has(wid))
      throw new HearthError("session_busy", "Another undo or redo is under way in this folder: try again.");
    const done = work(AbortSignal.timeout(UNDO_MS_MAX)).finally(() => busy.delete(wid));
    busy.set(
      wid,
      done.catch(() => {}),
    );
    return done;
  }

  const promptOf = ({ message_id }: { message_id: string }): string => {
    const message = store.messages.get(message_id);
    return message === undefined ? "" : messageText(message);
  };
  const shownTurn = ({ message_id, run_id, ...turn }: StoredTurn) => ({
    message_id,
    run_id,
    prompt: promptOf({ message_id, ...turn }),
  });

  /** The trees to go between, newest first, for going back. Throws HearthError files_unavailable. */
  async function turnsBack(
    checkpoints: Checkpoints,
    rows: readonly Checkpoint[],
    signal: AbortSignal,
  ): Promise<ChangedTurn[]> {
    const turns: ChangedTurn[] = [];
    for (const row of rows.toReversed()) {
      if (row.before_tree === null || (row.trouble !== null && row.after_tree === null))
        throw new HearthError(
          "files_unavailable",
          `The files of ${row === rows.at(-1) ? "the last turn" : "one of these turns"} cannot be taken back: ${row.trouble ?? "they were not recorded."} The conversation alone can.`,
        );
      const after = row.after_tree ?? (await checkpoints.take(signal).catch(refuse)).tree;
      const doubtful = new Map<RawPath, string>();
      if (row.after_tree === null)
        for (const { path } of await checkpoints.changes(row.before_tree, after, signal))
          doubtful.set(path, CUT_OFF);
      for (const other of store.checkpoints.during(row)) {
        if (other.before_tree === null || other.after_tree === null) continue;
        for (const { path } of await checkpoints.changes(other.before_tree, other.after_tree, signal))
          doubtful.set(path, BY_ANOTHER);
      }
      turns.push({ before: row.before_tree, after, doubtful });
    }
    return turns;
  }

  function mustNotBeChanging(wid: WorkspaceId, sid: SessionId) {
    for (const [other, coordinator] of coordinators.ofWorkspace(wid)) {
      if (other === sid || !coordinator.runtime().running) continue;
      if (!store.checkpoints.ofSession(other).some(({ ended }) => ended === null)) continue;
      const title = store.sessions.get(other)?.title || "untitled";
      throw new HearthError(
        "session_busy",
        `The session "${title}" is changing files in this folder: wait for its end, or take back the conversation alone.`,
      );
    }
  }

  async function change(
    wid: WorkspaceId,
    sid: SessionId,
    {
      turns,
      rows,
      history,
      preview,
      trees,
    }: {
      turns: readonly StoredTurn[];
      rows: readonly Checkpoint[];
      history: HistoryChange;
      preview: boolean;
      trees(checkpoints: Checkpoints, signal: AbortSignal): Promise<ChangedTurn[]>;
    },
  ): Promise<Undone> {
    const result = (writes: readonly FileWrite[], conflicts: readonly FileConflict[] = []): Undone => ({
      message: null,
      turns: turns.map(shownTurn),
      files: writes.map(({ path, from, to }) => ({
        path: shownPath(path),
        kind: from === null ? "added" : to === null ? "deleted" : "modified",
      })),
      conflicts: conflicts.map(({ path, reason }) => ({ path: shownPath(path), reason })),
      left_out: rows.flatMap(({ left_out }) => left_out),
      conversation: history.cut !== null,
    });
    return alone(wid, async (signal) => {
      if (rows.length === 0) {
        if (!preview) deps.changeHistory(history);
        return result([]);
      }
      mustNotBeChanging(wid, sid);
      const checkpoints = deps.checkpoints(wid);
      const going = await trees(checkpoints, signal);
      if (preview) {
        const { changes, conflicts } = await checkpoints.preview(going, signal);
        return result(changes, conflicts);
      }
      const afterwards = (writes: readonly FileWrite[]) =>
        deps.changeHistory({ ...history, files: writes.map(({ path }) => shownPath(path)) });
      return result(await checkpoints.undo(going, { about: history, afterwards }, signal));
    });
  }

  /** Whether nothing was said since the last compaction, so that this is what an undo takes back. */
  function endsWithCompaction(sid: SessionId): boolean {
    const newest = store.messages.page(sid, Number.MAX_SAFE_INTEGER, LOOKED_AT);
    const last = lastChange(newest, "compacted", "pruned");
    const spoken = spokenOf(newest);
    return (
      last !== undefined && !spoken.includes(last.message) && (spoken.at(-1)?.seq ?? 0) < last.message.seq
    );
  }

  return {
    async undo(wid, sid, body) {
      deps.sessionOf(wid, sid);
      deps.mustAccept(wid);
      mustBeIdle(wid, sid);
      const { files = true, conversation = true, preview = false, message_id } = body ?? {};
      const isPlain =
        message_id === undefined && body?.files === undefined && body?.conversation === undefined;
      if (isPlain && !preview && endsWithCompaction(sid)) {
        const message = coordinators.of(wid, sid).undoContextChange();
        if (message !== undefined)
          return {
            message: publicMessage(message),
            turns: [],
            files: [],
            conflicts: [],
            left_out: [],
            conversation: false,
          };
      }
      const shown = store.checkpoints.turns(sid).filter(({ undone }) => undone === 0);
      const all = store.checkpoints.ofSession(sid).filter(({ undone }) => undone === 0);
      const first = firstOf(shown, all, { files, conversation, message_id });
      if (first === undefined)
        throw new HearthError(
          "nothing_to_undo",
          conversation
            ? "There is nothing to undo in this session yet."
            : "No turn of this session has changed files that could be taken back.",
        );
      const rows = files ? all.filter(({ seq }) => seq >= first.seq) : [];
      return change(wid, sid, {
        turns:
          conversation || message_id !== undefined ? shown.filter(({ seq }) => seq >= first.seq) : [first],
        rows,
        preview,
        history: {
          action: "undo",
          ...{ workspace_id: wid, session_id: sid, runs: rows.map(({ run_id }) => run_id) },
          cut: conversation ? { from: first.seq, before: Number.MAX_SAFE_INTEGER } : null,
        },
        trees: (checkpoints, signal) => turnsBack(checkpoints, rows, signal),
      });
    },
    async redo(wid, sid, body) {
      deps.sessionOf(wid, sid);
      deps.mustAccept(wid);
      mustBeIdle(wid, sid);
      const { files = true, conversation = true, preview = false }: RedoBody = body ?? {};
      const turns = store.checkpoints.turns(sid);
      const all = store.checkpoints.ofSession(sid).filter(({ undone }) => undone === 1);
      const hidden = turns.filter(({ undone }) => undone === 1);
      const first =
        conversation && hidden.length > 0
          ? hidden[0]
          : files
            ? turns.find(({ seq }) => seq === all[0]?.seq)
            : undefined;
      if (first === undefined)
        throw new HearthError(
          "nothing_to_redo",
          "There is nothing to redo: nothing was taken back since the last prompt.",
        );
      const next = turns.find(({ seq }) => seq > first.seq)?.seq ?? Number.MAX_SAFE_INTEGER;
      const rows = files ? all.filter(({ seq }) => seq < next) : [];
      return change(wid, sid, {
        turns: [first],
        rows,
        preview,
        history: {
          action: "redo",
          ...{ workspace_id: wid, session_id: sid, runs: rows.map(({ run_id }) => run_id) },
          cut: conversation && first.undone === 1 ? { from: first.seq, before: next } : null,
        },
        // Going forward is going back between the same trees the other way round.
        trees: async () =>
          rows.flatMap(({ before_tree, after_tree }) =>
            before_tree === null || after_tree === null ? [] : [{ before: after_tree, after: before_tree }],
          ),
      });
    },
    turns(wid, sid, limit) {
      deps.sessionOf(wid, sid);
      const rows = new Map(store.checkpoints.ofSession(sid).map((row) => [row.run_id, row]));
      return store.checkpoints
        .turns(sid)
        .slice(-limit)
        .flatMap((turn) => turnOf(turn, store.messages.get(turn.message_id), rows.get(turn.run_id)));
    },
    whenDone: async (wid) => void (await busy.get(wid)),
    recover: (wid, responds) =>
      alone(wid, async (signal) => {
        await responds;
        await deps.checkpoints(wid).recover(signal);
      }),
  };
}
