import { pause } from "../../async/wait.ts";
import type { Connection } from "../../client/connect.ts";
import { askedFor } from "../complete/above.ts";
import { createFileFinder } from "../complete/file-finder.ts";
import { cleanText } from "../editor/atoms.ts";
import type { TranscriptOverlay } from "../state/overlay.ts";
import { type AppState, currentSessionId, type Flash } from "../state/state.ts";
import type { Store } from "../state/store.ts";
import { withFound, withValues } from "../steps/completion.ts";
import { errorSentence } from "./error-sentence.ts";

/** How many sessions the list shows; others are found by typing their name. */
const SESSIONS_MAX = 200;
/** Texts of one or two characters are everywhere. */
const SEARCH_CHARS_MIN = 3;
const SEARCH_AFTER_MS = 200;
const SEARCHED_MAX = 100;
const MESSAGES_PAGE = 100;
const FILES_MAX = 50;

/** Loads what lists and overlays show: sessions, grants, the transcript, files. */
export function createLists(
  options: {
    ready: Promise<{ connection: Connection }>;
    store: Store<AppState>;
    update: (change: (state: AppState) => AppState) => void;
    flash: (text: string, level: Flash["level"]) => void;
  },
  signal: AbortSignal,
) {
  const { ready, store, update, flash } = options;

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

  let searching = new AbortController();

  /** Looks for the text in messages, once the person has stopped typing for a moment. */
  async function searchSessions(query: string): Promise<void> {
    searching.abort();
    searching = new AbortController();
    if (query.trim().length < SEARCH_CHARS_MIN) return;
    const stop = AbortSignal.any([signal, searching.signal]);
    await pause(SEARCH_AFTER_MS, stop);
    if (stop.aborted) return;
    const { connection } = await ready;
    const asked = { query, limit: SEARCHED_MAX };
    const { sessions } = await connection
      .request("GET /v1/sessions/search", { query: asked, signal: stop })
      .catch((error: unknown) => {
        if (stop.aborted) return { sessions: [] };
        throw error;
      });
    const found = sessions
      .filter(({ session }) => session.workspace_id === connection.workspace.id)
      .map(({ session, matches }) => ({ session, snippet: matches[0]?.snippet ?? "" }));
    update((state) =>
      state.overlay?.kind === "sessions" && state.overlay.query === query
        ? { ...state, overlay: { ...state.overlay, texts: { query, found } } }
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
        query: {
          ...{ query: above.query, limit: FILES_MAX },
          session_id: currentSessionId(store.get()) ?? undefined,
        },
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
      if (!asked.aborted) flash(errorSentence(error), "error");
      return { askAgain: false };
    }
  }, signal);

  const argumentFinder = createFileFinder(async (query, asked) => {
    const [command = "", ...rest] = query.split(" ");
    try {
      const { connection } = await ready;
      const { values, replaces } = await connection.request("GET /v1/workspaces/{wid}/mcp/arguments", {
        params: { wid: connection.workspace.id },
        query: { command, typed: rest.join(" ") },
        signal: asked,
      });
      const found = values.filter((value) => cleanText(value) === value && !/[\n\t]/.test(value));
      update((state) => withValues(state, query, found, replaces));
    } catch {
      // An older daemon, or none: the argument is typed without a list.
    }
    return { askAgain: false };
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

  return {
    loadSessions,
    searchSessions,
    loadGrants,
    revokeGrant,
    loadTranscript,
    findFiles: finder.find,
    findArguments: argumentFinder.find,
  };
}
