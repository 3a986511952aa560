import { containerLabel } from "../../protocol/container.ts";
import { plural } from "../../protocol/plural.ts";
import { type AppState, currentAgent, currentSession, nameOfClient } from "../state/state.ts";
import { homePath } from "../text/home-path.ts";
import { modeMeanings } from "./choices.ts";

export function clientsText(state: AppState): string {
  const clients = state.replica?.clients ?? [];
  const rows = clients.map(({ id, kind, label, attached_at }) => {
    const name = label || id;
    const shown = nameOfClient(state, id) === undefined ? `${name} (this terminal)` : name;
    return `${shown} · ${kind === "observer" ? "observes" : kind} · since ${timeOf(attached_at)}`;
  });
  return rows.length === 0 ? "Nobody is attached." : rows.join("\n");
}

const timeOf = (time: string): string => new Date(time).toTimeString().slice(0, 5);

export function statusText(state: AppState): string {
  const session = currentSession(state);
  const { replica } = state;
  if (replica === undefined) return "Not connected to the daemon yet.";
  const path = homePath(replica.workspace.path, state.display.home);
  if (session === undefined) return `${path} · no session yet`;
  const { usage } = session;
  const model = session.model ?? `${currentAgent(state)?.model ?? "its own choice"} (default)`;
  return [
    `${session.title || "untitled"} · ${session.id}`,
    `${path}${replica.workspace.branch === null ? "" : ` (${replica.workspace.branch})`}`,
    `agent ${session.agent} · model ${model} · mode ${session.mode} · ${session.isolation}`,
    ...(session.container === undefined ? [] : [`commands run in ${containerLabel(session.container)}`]),
    `${plural(usage.input_tokens, "token")} in (${usage.cache_read_tokens} cached) · ${usage.output_tokens} out · $${session.cost.toFixed(4)}`,
  ].join("\n");
}

/** The answer to `/attach`: how to open this session in another terminal. */
export function attachText(state: AppState): string {
  const session = currentSession(state);
  const path = state.replica?.workspace.path ?? ".";
  const rows = [`hearth in ${homePath(path, state.display.home)} joins the session that is open there`];
  return session === undefined
    ? (rows[0] ?? "")
    : [`hearth attach ${session.id.slice(0, 12)} opens this session`, ...rows].join("\n");
}

export function permissionsText(state: AppState): string {
  const mode = currentSession(state)?.mode ?? state.defaults.mode ?? "ask";
  return [
    `mode ${mode.replace("_", " ")}: ${modeMeanings[mode]} (/mode)`,
    "rules: hearth.jsonc (`hearth config path`)",
  ].join(" · ");
}
