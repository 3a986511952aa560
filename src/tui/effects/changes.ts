import type { Connection } from "../../client/connect.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { ChangeId } from "../../protocol/ids.ts";
import { plural } from "../../protocol/plural.ts";
import type { Effect } from "../state/effects.ts";
import { markedChange, withChanges } from "../state/review.ts";
import { type AppState, currentSessionId, type Flash } from "../state/state.ts";
import type { Store } from "../state/store.ts";

type ChangesEffect = Extract<Effect, { do: "load_changes" | "load_whole" | "judge_changes" | "judge_named" }>;

const done = { apply: "applied", reject: "discarded", revert: "undone" } as const;

/** Loads and judges the changes of the open session. */
export function createChangesPerformer(
  options: {
    ready: Promise<{ connection: Connection }>;
    store: Store<AppState>;
    update: (change: (state: AppState) => AppState) => void;
    flash: (text: string, level: Flash["level"]) => void;
  },
  signal: AbortSignal,
) {
  const { ready, store, update, flash } = options;

  async function load() {
    const { connection } = await ready;
    const session_id = currentSessionId(store.get());
    if (session_id === null) return [];
    const { changes, root, unread } = await connection.request("GET /v1/workspaces/{wid}/changes", {
      params: { wid: connection.workspace.id },
      query: { session_id },
      signal,
    });
    update((state) =>
      state.overlay?.kind === "review" && currentSessionId(state) === session_id
        ? { ...state, overlay: { ...withChanges(state.overlay, changes), root } }
        : state,
    );
    if (unread.length > 0)
      flash(`changes of ${plural(unread.length, "turn")} cannot be read: a checkpoint is damaged`, "warning");
    return changes;
  }

  async function loadWhole(id: ChangeId) {
    const { connection } = await ready;
    const params = { wid: connection.workspace.id, chid: id };
    const { text, reason } = await connection.request("GET /v1/workspaces/{wid}/changes/{chid}/text", {
      params,
      signal,
    });
    if (text === null) return flash(reason ?? "It cannot be shown whole.", "warning");
    update((state) =>
      state.overlay?.kind === "review" && markedChange(state.overlay)?.id === id
        ? { ...state, overlay: { ...state.overlay, whole: { id, text }, row: null } }
        : state,
    );
  }

  async function judge({ verb, ids, hunks, resolve }: Extract<ChangesEffect, { do: "judge_changes" }>) {
    const { connection } = await ready;
    const wid = connection.workspace.id;
    const [only] = ids;
    try {
      if (only !== undefined && ids.length === 1) {
        const params = { wid, chid: only };
        const some = hunks === undefined ? {} : { hunks: [...hunks] };
        const body = resolve === undefined ? some : { ...some, resolve };
        if (verb === "reject")
          await connection.request("POST /v1/workspaces/{wid}/changes/{chid}/reject", {
            params,
            body: some,
            signal,
          });
        else
          await connection.request(`POST /v1/workspaces/{wid}/changes/{chid}/${verb}`, {
            params,
            body,
            signal,
          });
      } else
        await connection.request(`POST /v1/workspaces/{wid}/changes/${verb}`, {
          params: { wid },
          body: { ids: [...ids] },
          signal,
        });
      flash(
        `${hunks === undefined ? plural(ids.length, "file") : plural(hunks.length, "hunk")} ${done[verb]}`,
        "info",
      );
    } catch (error) {
      if (!(error instanceof HearthError)) throw error;
      // Two people judge the same change: what was asked for has happened, or the other way.
      if (error.code === "change_decided") flash(`Somebody was faster. ${error.message}`, "info");
      else if (error.code === "conflict") flash(error.message, "warning");
      else throw error;
    } finally {
      // The daemon says so by an event, too; this is for what was refused, which changes only the conflict shown.
      await load();
    }
  }

  async function judgeNamed({ verb, name }: Extract<ChangesEffect, { do: "judge_named" }>) {
    const pending = (await load()).filter(({ state }) => state === "pending");
    const ids = (name === "all" ? pending : pending.filter(({ path }) => path === name)).map(({ id }) => id);
    if (ids.length > 0) return judge({ do: "judge_changes", verb, ids });
    flash(
      name === "all"
        ? "There are no pending changes."
        : `There is no pending change of ${name}; /diff lists them.`,
      "warning",
    );
  }

  return {
    async perform(effect: ChangesEffect): Promise<void> {
      if (effect.do === "load_changes") await load();
      else if (effect.do === "load_whole") await loadWhole(effect.id);
      else if (effect.do === "judge_changes") await judge(effect);
      else await judgeNamed(effect);
    },
  };
}
