// Long because every request of the screen is one case here.

import type { Connection } from "../../client/connect.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { NewId } from "../../protocol/ids.ts";
import { contextText } from "../commands/context-text.ts";
import type { SessionLink } from "../session/link.ts";
import type { Effect } from "../state/effects.ts";
import { newReviewOverlay } from "../state/review.ts";
import { type AppState, currentSessionId, type Flash, nameOfClient } from "../state/state.ts";
import type { Store } from "../state/store.ts";
import { isBlank } from "../steps/beside.ts";
import { type ArenaEffect, isArenaEffect, performArena } from "./arena.ts";
import { createChangesPerformer } from "./changes.ts";
import { errorSentence } from "./error-sentence.ts";
import { performFork } from "./fork.ts";
import { performJob } from "./jobs.ts";
import { createLists } from "./lists.ts";
import { createPromptSender } from "./prompts.ts";
import { performTrust } from "./trust.ts";
import { loadRewind, performUndo } from "./undo.ts";

/** Effects that are requests to the daemon. */
export type RequestEffect = Extract<
  Effect,
  {
    do:
      | "send"
      | "cancel"
      | "answer"
      | "change_session"
      | "open_session"
      | "delete_session"
      | "load_sessions"
      | "search_sessions"
      | "load_grants"
      | "revoke_grant"
      | "login"
      | "load_job"
      | "end_job"
      | "load_trust"
      | "give_trust"
      | "revoke_trust"
      | "fork"
      | ArenaEffect["do"]
      | "review_session"
      | "load_changes"
      | "load_whole"
      | "judge_changes"
      | "judge_named"
      | "find_files"
      | "find_arguments"
      | "load_transcript"
      | "change_queued"
      | "withdraw"
      | "resume_queue"
      | "compact"
      | "show_context"
      | "undo"
      | "redo"
      | "load_turns"
      | "preview_undo";
  }
>;

/** Requests that only load data for the screen: leaving does not wait for them. */
const isQuery = ({ do: what }: RequestEffect): boolean =>
  [
    "find_files",
    "find_arguments",
    "load_changes",
    "load_whole",
    "load_transcript",
    "load_sessions",
    "search_sessions",
    "load_grants",
    "load_turns",
    "preview_undo",
    "load_trust",
    "load_job",
    "load_tasks",
    "compare_entries",
  ].includes(what);

export type Performer = {
  perform(effect: RequestEffect): Promise<void>;
  /** Settles when all requests up to now have succeeded or failed. Never rejects. */
  delivered(): Promise<unknown>;
  /** Prompts that the daemon has not accepted yet, in order. */
  unsent(): readonly string[];
};

/**
 * Performs the effects that are requests to the daemon. Nothing that was typed is lost: a prompt that could not be sent
 * returns to the composer, or stays in the history if something else is being written there.
 */
export function createPerformer(
  options: {
    /** The connection to the daemon; requests wait for it. */
    ready: Promise<{ connection: Connection; link: SessionLink }>;
    store: Store<AppState>;
    newId: NewId;
    update: (change: (state: AppState) => AppState) => void;
    giveBack: (text: string, flash: Flash) => void;
    print: (text: string) => void;
  },
  signal: AbortSignal,
): Performer {
  const { ready, store, newId, update, giveBack, print } = options;
  /** Sessions are opened one after the other; later requests are for the one opened last. */
  let switching: Promise<void> = Promise.resolve();
  /** Settings of the session are changed one after the other; later prompts wait for that. */
  let changing: Promise<void> = Promise.resolve();
  const flash = (text: string, level: Flash["level"]) =>
    update((state) => ({ ...state, flash: { text, level } }));

  const prompts = createPromptSender(
    { ready, store, newId, update, giveBack, opened: () => switching, changed: () => changing },
    signal,
  );
  const changes = createChangesPerformer({ ready, store, update, flash }, signal);
  const lists = createLists({ ready, store, update, flash }, signal);

  async function changeSession(effect: Extract<Effect, { do: "change_session" }>): Promise<void> {
    const { connection } = await ready;
    await switching;
    const sid = effect.id ?? (await prompts.creating)?.id ?? currentSessionId(store.get());
    if (sid === null) return;
    await connection.request("PATCH /v1/workspaces/{wid}/sessions/{sid}", {
      params: { wid: connection.workspace.id, sid },
      body: effect.changes,
      signal,
    });
  }

  async function deleteSession(
    connection: Connection,
    { id, isForced }: Extract<Effect, { do: "delete_session" }>,
  ): Promise<void> {
    const query = isForced === true ? { force: "true" as const } : {};
    try {
      const params = { wid: connection.workspace.id, sid: id };
      await connection.request("DELETE /v1/workspaces/{wid}/sessions/{sid}", { params, query, signal });
    } catch (error) {
      if (!(error instanceof HearthError) || error.code !== "changes_pending") throw error;
      const loses = error.message;
      update((state) =>
        state.overlay?.kind === "sessions"
          ? { ...state, overlay: { ...state.overlay, task: { do: "delete", id, loses } } }
          : { ...state, flash: { text: loses, level: "warning" } },
      );
      await lists.loadSessions(false);
    }
  }

  async function answer(effect: Extract<Effect, { do: "answer" }>): Promise<void> {
    const { id, decision, message, command } = effect;
    const { connection } = await ready;
    try {
      await connection.request("POST /v1/workspaces/{wid}/permissions/{pid}", {
        params: { wid: connection.workspace.id, pid: id },
        body: { decision, message, ...(command !== undefined && { input: { command } }) },
        signal,
      });
    } catch (error) {
      // The text stays and can be sent again.
      update((state) => {
        const { question } = state;
        if (question?.id !== id || question.writing === undefined) return state;
        return { ...state, question: { ...question, writing: { ...question.writing, isSent: false } } };
      });
      if (!(error instanceof HearthError) || error.code !== "already_answered") throw error;
      const { answered_by: by } = error.details;
      // This terminal answered it itself, with an earlier key press.
      if (by === store.get().clientId) return;
      const who = typeof by === "string" ? (nameOfClient(store.get(), by) ?? "you") : undefined;
      flash(who === undefined ? error.message : `already answered by ${who}`, "info");
    }
  }

  async function showSession(
    link: SessionLink,
    { id, opening = "chosen" }: Extract<Effect, { do: "open_session" }>,
  ): Promise<void> {
    const isUnasked = opening === "begun_beside";
    if (isUnasked && !isBlank(store.get())) return;
    update((state) => ({ ...state, opening }));
    try {
      await link.show(id);
    } catch (error) {
      // No person asked for it, and it was deleted meanwhile.
      if (!isUnasked || !(error instanceof HearthError) || error.code !== "session_not_found") throw error;
    } finally {
      update((state) => ({ ...state, opening: "chosen" }));
    }
  }

  async function run(effect: RequestEffect): Promise<void> {
    if (effect.do === "send") return prompts.send(effect);
    if (effect.do === "change_session") {
      const changed = changing.then(() => changeSession(effect));
      changing = changed.catch(() => {});
      return changed;
    }
    if (effect.do === "cancel") return prompts.cancel(effect.id);
    if (effect.do === "answer") return answer(effect);
    if (effect.do === "load_sessions") return lists.loadSessions(effect.isArchive ?? false);
    if (effect.do === "search_sessions") return lists.searchSessions(effect.query);
    if (effect.do === "load_grants") return lists.loadGrants();
    if (effect.do === "revoke_grant") return lists.revokeGrant(effect.id);
    if (effect.do === "load_trust" || effect.do === "give_trust" || effect.do === "revoke_trust") {
      const { connection } = await ready;
      return performTrust(effect, connection, update, signal);
    }
    if (effect.do === "login") {
      const { connection } = await ready;
      const { text } = await connection.request("POST /v1/workspaces/{wid}/login", {
        params: { wid: connection.workspace.id },
        body: { provider: effect.provider, key: effect.key },
        signal,
      });
      return print(text);
    }
    if (effect.do === "load_transcript") return lists.loadTranscript();
    if (
      effect.do === "load_changes" ||
      effect.do === "load_whole" ||
      effect.do === "judge_changes" ||
      effect.do === "judge_named"
    )
      return changes.perform(effect);
    if (effect.do === "find_files") return lists.findFiles(effect.query);
    if (effect.do === "find_arguments") return lists.findArguments(effect.query);
    const { connection, link } = await ready;
    const wid = connection.workspace.id;
    if (isArenaEffect(effect)) return performArena(effect, { connection, update, flash }, signal);
    if (effect.do === "review_session") {
      const shown = switching.then(() => showSession(link, { do: "open_session", id: effect.id }));
      switching = shown.catch(() => {});
      await shown;
      update((state) => ({ ...state, overlay: newReviewOverlay }));
      return changes.perform({ do: "load_changes" });
    }
    if (effect.do === "open_session" || effect.do === "fork") {
      const open = () =>
        effect.do === "fork"
          ? performFork(effect, { connection, link, signal }, { flash, giveBack })
          : showSession(link, effect);
      const shown = switching.then(open);
      switching = shown.catch(() => {});
      return shown;
    }
    await switching;
    if (effect.do === "delete_session") {
      return deleteSession(connection, effect);
    }
    const sid = currentSessionId(store.get());
    if (sid === null) return;
    switch (effect.do) {
      case "load_job":
      case "end_job":
        return performJob(effect, { connection, sid, update }, signal);
      case "change_queued": {
        const params = { wid, sid, rid: effect.id };
        const body = { prompt: effect.prompt, delivery: effect.delivery };
        await connection.request("PATCH /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}", {
          params,
          body,
          signal,
        });
        return;
      }
      case "withdraw": {
        const params = { wid, sid, rid: effect.id };
        await connection.request("DELETE /v1/workspaces/{wid}/sessions/{sid}/queue/{rid}", {
          params,
          signal,
        });
        return;
      }
      case "compact":
        await connection.request("POST /v1/workspaces/{wid}/sessions/{sid}/compact", {
          params: { wid, sid },
          body: { keep: effect.keep },
          signal,
        });
        return;
      case "show_context": {
        const params = { wid, sid };
        const key = "GET /v1/workspaces/{wid}/sessions/{sid}/context" as const;
        const { context } = await connection.request(key, { params, signal });
        return print(contextText(context));
      }
      case "undo":
      case "redo":
        return performUndo(effect, { connection, sid, signal }, { flash, giveBack });
      case "load_turns":
      case "preview_undo":
        return loadRewind(effect, { connection, sid, signal }, update);
      case "resume_queue": {
        const params = { wid, sid };
        await connection.request("POST /v1/workspaces/{wid}/sessions/{sid}/queue/resume", { params, signal });
        return;
      }
    }
  }

  async function tryTo(effect: RequestEffect): Promise<void> {
    try {
      await run(effect);
    } catch (error) {
      if (signal.aborted) return;
      if (effect.do === "change_queued" && effect.prompt !== undefined) {
        giveBack(effect.prompt, { text: errorSentence(error), level: "error" });
      } else flash(errorSentence(error), "error");
    }
  }

  const open = new Set<Promise<void>>();
  return {
    async perform(effect) {
      const done = tryTo(effect);
      if (isQuery(effect)) return done;
      open.add(done);
      await done;
      open.delete(done);
    },
    delivered: () => Promise.allSettled(open),
    unsent: prompts.unsent,
  };
}
