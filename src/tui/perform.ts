// Long because it says for every effect what is asked of the daemon.
import { settlesWithin } from "../async/wait.ts";
import type { Connection } from "../client/connect.ts";
import { HearthError } from "../protocol/errors.ts";
import type { NewId, RunId, SessionId } from "../protocol/ids.ts";
import type { Session } from "../protocol/session.ts";
import { SHELL_AGENT, shellCommand } from "./commands/shell-command.ts";
import { askedFor } from "./complete/above.ts";
import { createFileFinder } from "./complete/file-finder.ts";
import { cleanText } from "./editor/atoms.ts";
import type { SessionLink } from "./session/link.ts";
import type { Effect } from "./state/effects.ts";
import type { TranscriptOverlay } from "./state/overlay.ts";
import { type AppState, activeRun, currentSessionId, type Flash, nameOfClient } from "./state/state.ts";
import type { Store } from "./state/store.ts";
import { isBlank } from "./steps/beside.ts";
import { withFound } from "./steps/completion.ts";
import { performTrust } from "./trust.ts";

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
      | "load_grants"
      | "revoke_grant"
      | "load_trust"
      | "give_trust"
      | "revoke_trust"
      | "fork"
      | "find_files"
      | "load_transcript"
      | "change_queued"
      | "withdraw"
      | "resume_queue"
      | "compact"
      | "undo";
  }
>;

/** How long a cancel waits for prompts that are being sent: longer than accepting one takes, too short to notice. */
const OVERTAKE_MS = 20;
/** How many sessions the list shows; others are found by typing their name. */
const SESSIONS_MAX = 200;
const MESSAGES_PAGE = 100;
const FILES_MAX = 50;

/** Requests that only load data for the screen: leaving does not wait for them. */
const isQuery = ({ do: what }: RequestEffect): boolean =>
  ["find_files", "load_transcript", "load_sessions", "load_grants", "load_trust"].includes(what);

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
  },
  signal: AbortSignal,
): Performer {
  const { ready, store, newId, update, giveBack } = options;
  /** The session that is being created for the first prompts: all of them wait for it. */
  let creating: Promise<Session> | undefined;
  /** Sessions are opened one after the other; later requests are for the one opened last. */
  let switching: Promise<void> = Promise.resolve();
  /** Settings of the session are changed one after the other; later prompts wait for that. */
  let changing: Promise<void> = Promise.resolve();
  /** Prompts that are being sent. A cancel stops what was accepted before it, so it waits for them. */
  const underWay = new Map<Promise<void>, string>();
  /** Prompts are sent one after the other, so that they are accepted in the order in which they were typed. */
  let posting: Promise<unknown> = Promise.resolve();

  const flash = (text: string, level: Flash["level"]) =>
    update((state) => ({ ...state, flash: { text, level } }));

  async function sessionForPrompt(): Promise<Session["id"]> {
    const known = currentSessionId(store.get());
    if (known !== null) return known;
    creating ??= createSession().finally(() => {
      creating = undefined;
    });
    return (await creating).id;
  }

  async function createSession(): Promise<Session> {
    const { connection, link } = await ready;
    const { session } = await connection.request("POST /v1/workspaces/{wid}/sessions", {
      params: { wid: connection.workspace.id },
      body: store.get().defaults,
      signal,
    });
    link.adopt(session);
    return session;
  }

  async function send(effect: Extract<Effect, { do: "send" }>, before: Promise<unknown>): Promise<void> {
    const { text, delivery, attachments, isShell = false } = effect;
    const runId: RunId = newId("run");
    const prompt = isShell ? (shellCommand(text) ?? text) : text;
    const changed = changing;
    update((state) => ({ ...state, sending: [...state.sending, { runId, text: prompt, isShell }] }));
    try {
      // Only after connecting it is known whether there is a session.
      const { connection } = await ready;
      await switching;
      await changed;
      const sessionId = await sessionForPrompt();
      await before;
      await connection.request("POST /v1/workspaces/{wid}/agent", {
        params: { wid: connection.workspace.id },
        body: {
          session_id: sessionId,
          prompt,
          run_id: runId,
          delivery,
          ...(isShell && { agent: SHELL_AGENT }),
          ...(attachments.length > 0 && { attachments: [...attachments] }),
        },
        signal,
      });
    } catch (error) {
      if (signal.aborted) return;
      update((state) => ({ ...state, sending: state.sending.filter((sent) => sent.runId !== runId) }));
      giveBack(text, { text: `Not sent: ${sentence(error)}`, level: "error" });
    }
  }

  async function changeSession(effect: Extract<Effect, { do: "change_session" }>): Promise<void> {
    const { connection } = await ready;
    await switching;
    const sid = effect.id ?? (await creating)?.id ?? currentSessionId(store.get());
    if (sid === null) return;
    await connection.request("PATCH /v1/workspaces/{wid}/sessions/{sid}", {
      params: { wid: connection.workspace.id, sid },
      body: effect.changes,
      signal,
    });
  }

  async function fork(sid: SessionId): Promise<void> {
    const { connection, link } = await ready;
    const { session } = await connection.request("POST /v1/workspaces/{wid}/sessions/{sid}/fork", {
      params: { wid: connection.workspace.id, sid },
      signal,
    });
    await link.show(session.id);
  }

  async function cancel(id: SessionId | undefined): Promise<void> {
    if (underWay.size > 0) {
      const arrived = Promise.allSettled(underWay.keys());
      // If a run is active, a slow prompt does not delay the cancel.
      await (activeRun(store.get()) === undefined ? arrived : settlesWithin(arrived, OVERTAKE_MS));
    }
    const sid = id ?? currentSessionId(store.get());
    if (sid === null) return;
    const { connection } = await ready;
    await connection.request("POST /v1/workspaces/{wid}/agent/sessions/{sid}/cancel", {
      params: { wid: connection.workspace.id, sid },
      body: { scope: "active" },
      signal,
    });
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
      // Nobody asked for it, and it is gone again.
      if (!isUnasked || !(error instanceof HearthError) || error.code !== "session_not_found") throw error;
    } finally {
      update((state) => ({ ...state, opening: "chosen" }));
    }
  }

  async function loadSessions(isArchive: boolean): Promise<void> {
    const { connection } = await ready;
    const { sessions } = await connection.request("GET /v1/workspaces/{wid}/sessions", {
      params: { wid: connection.workspace.id },
      query: { limit: SESSIONS_MAX, archived: isArchive ? "true" : "false" },
      signal,
    });
    update((state) =>
      state.overlay?.kind === "sessions" && state.overlay.isArchive === isArchive
        ? { ...state, overlay: { ...state.overlay, found: sessions } }
        : state,
    );
  }

  async function loadGrants(): Promise<void> {
    const { connection } = await ready;
    const params = { wid: connection.workspace.id };
    const { grants } = await connection.request("GET /v1/workspaces/{wid}/grants", { params, signal });
    update((state) =>
      state.overlay?.kind === "grants" ? { ...state, overlay: { ...state.overlay, found: grants } } : state,
    );
  }

  async function revokeGrant(id: number): Promise<void> {
    const { connection } = await ready;
    const params = { wid: connection.workspace.id };
    try {
      await connection.request("POST /v1/workspaces/{wid}/grants/revoke", {
        params,
        body: { ids: [id] },
        signal,
      });
    } catch (error) {
      // The list removed it already, but it could not be revoked: load the list again.
      await loadGrants().catch(() => {});
      throw error;
    }
  }

  const finder = createFileFinder(async (query, asked) => {
    try {
      const { connection } = await ready;
      const above = askedFor(query, connection.workspace.path);
      const { files, complete } = await connection.request("GET /v1/workspaces/{wid}/files", {
        params: { wid: connection.workspace.id },
        query: { query: above.query, limit: FILES_MAX },
        signal: asked,
      });
      // A name with control characters cannot stand in a prompt.
      const found = files.map(above.shown).filter((path) => cleanText(path) === path && !/[\n\t]/.test(path));
      // The text may have changed meanwhile.
      const { completion } = store.get();
      if (completion?.kind !== "file" || completion.query !== query) return { askAgain: false };
      update((state) => withFound(state, query, found, complete));
      return { askAgain: !complete && !completion.isClosed };
    } catch (error) {
      if (!asked.aborted) flash(sentence(error), "error");
      return { askAgain: false };
    }
  }, signal);

  async function loadTranscript(): Promise<void> {
    const sid = currentSessionId(store.get());
    const before = store.get().overlay;
    if (sid === null || before?.kind !== "transcript") return;
    const change = (next: (overlay: TranscriptOverlay) => TranscriptOverlay) =>
      update((state) =>
        state.overlay?.kind === "transcript" ? { ...state, overlay: next(state.overlay) } : state,
      );
    change((overlay) => ({ ...overlay, isLoading: true }));
    const { connection } = await ready;
    const page = await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/messages", {
      params: { wid: connection.workspace.id, sid },
      query: { limit: MESSAGES_PAGE, ...(before.before !== null && { before: before.before }) },
      signal,
    });
    change((overlay) => ({
      ...overlay,
      messages: [...page.messages, ...(overlay.messages ?? [])],
      before: page.next_before,
      isLoading: false,
    }));
  }

  async function run(effect: RequestEffect): Promise<void> {
    if (effect.do === "send") {
      const sent = send(effect, posting).finally(() => underWay.delete(sent));
      posting = sent;
      underWay.set(sent, effect.text);
      return sent;
    }
    if (effect.do === "change_session") {
      const changed = changing.then(() => changeSession(effect));
      changing = changed.catch(() => {});
      return changed;
    }
    if (effect.do === "cancel") return cancel(effect.id);
    if (effect.do === "answer") return answer(effect);
    if (effect.do === "load_sessions") return loadSessions(effect.isArchive ?? false);
    if (effect.do === "load_grants") return loadGrants();
    if (effect.do === "revoke_grant") return revokeGrant(effect.id);
    if (effect.do === "load_trust" || effect.do === "give_trust" || effect.do === "revoke_trust") {
      const { connection } = await ready;
      return performTrust(effect, connection, update, signal);
    }
    if (effect.do === "load_transcript") return loadTranscript();
    if (effect.do === "find_files") return finder.find(effect.query);
    const { connection, link } = await ready;
    const wid = connection.workspace.id;
    if (effect.do === "open_session" || effect.do === "fork") {
      const open = () => (effect.do === "fork" ? fork(effect.id) : showSession(link, effect));
      const shown = switching.then(open);
      switching = shown.catch(() => {});
      return shown;
    }
    await switching;
    if (effect.do === "delete_session") {
      const params = { wid, sid: effect.id };
      await connection.request("DELETE /v1/workspaces/{wid}/sessions/{sid}", { params, signal });
      return;
    }
    const sid = currentSessionId(store.get());
    if (sid === null) return;
    switch (effect.do) {
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
      case "undo":
        await connection.request("POST /v1/workspaces/{wid}/sessions/{sid}/undo", {
          params: { wid, sid },
          signal,
        });
        return flash("The last compaction is taken back: the model is sent everything again.", "info");
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
        giveBack(effect.prompt, { text: sentence(error), level: "error" });
      } else flash(sentence(error), "error");
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
    unsent: () => [...underWay.values()],
  };
}

/** The sentence for an expected error; anything else is reported as a bug. */
export const sentence = (error: unknown): string => {
  if (error instanceof HearthError) return error.message;
  return `hearth made a mistake: ${error instanceof Error ? error.message : String(error)}`;
};
