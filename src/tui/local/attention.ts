import { basename } from "node:path";
import type { Replica } from "../../client/replica.ts";
import type { HearthEvent } from "../../protocol/events.ts";
import { openQuestion } from "../state/questions.ts";
import { type AppState, isBusy } from "../state/state.ts";
import { sanitizeLine } from "../text/sanitize.ts";

/** The window's title: hearth, the folder, and whether it is working or waiting. */
export function titleOf(state: AppState): string {
  const path = state.replica?.workspace.path;
  const where = path === undefined ? "" : ` · ${sanitizeLine(basename(path))}`;
  const what = openQuestion(state) !== undefined ? " · ? needs you" : isBusy(state) ? " · working" : "";
  return `hearth${where}${what}`;
}

/** In terminals that do not report their focus, only runs that took this long notify. */
const LONG_RUN_MS = 20_000;

/**
 * The text of a notification for this event; undefined for none. Only one terminal notifies: the one that sent the
 * prompt, if it is still attached, else the one that has been attached longest.
 */
export function callOf(state: AppState, replica: Replica, event: HearthEvent): string | undefined {
  if (state.focus === "in") return undefined;
  if (event.type === "permission.requested") {
    const { permission } = event.payload;
    const run = replica.runs.find(({ id }) => id === permission.run_id);
    if (!isCaller(state, replica, run?.by ?? null)) return undefined;
    return `needs you: ${sanitizeLine(permission.title)}`;
  }
  if (event.type === "run.completed") {
    const { outcome, run_id, duration_ms } = event.payload;
    // The person who canceled it knows.
    if (outcome === "canceled" || outcome === "steered") return undefined;
    if (state.focus === "unknown" && duration_ms < LONG_RUN_MS) return undefined;
    const by = state.replica?.runs.find(({ id }) => id === run_id)?.by ?? null;
    if (!isCaller(state, replica, by)) return undefined;
    const title = replica.sessions.find(({ id }) => id === event.payload.session_id)?.title ?? "";
    return `${outcome === "end_turn" ? "done" : outcome.replaceAll("_", " ")}: ${sanitizeLine(title)}`;
  }
  return undefined;
}

function isCaller(state: AppState, replica: Replica, by: string | null): boolean {
  const terminals = replica.clients.filter(({ kind }) => kind === "tui");
  if (terminals.some(({ id }) => id === by)) return by === state.clientId;
  const [oldest] = terminals.toSorted((a, b) => (a.attached_at < b.attached_at ? -1 : 1));
  return oldest?.id === state.clientId;
}
