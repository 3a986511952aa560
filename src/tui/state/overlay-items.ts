import type { Agent } from "../../protocol/agent.ts";
import { permissionModes } from "../../protocol/choices.ts";
import type { HearthEvent } from "../../protocol/events.ts";
import type { Job } from "../../protocol/job.ts";
import { DEFAULT_EFFORT } from "../../protocol/model-effort.ts";
import type { Grant, PermissionMode } from "../../protocol/permission.ts";
import { providerVariables } from "../../protocol/provider-variables.ts";
import type { Session } from "../../protocol/session.ts";
import { chosenModel, effortsOf } from "../commands/agent-choice.ts";
import { modeMeanings, themeChoices } from "../commands/choices.ts";
import { commands } from "../commands/table.ts";
import { actions, bindings, chordsOf, type KeyOverrides } from "../keys.ts";
import type { ThemeChoice } from "../theme.ts";
import { chordName } from "../view/chord-name.ts";
import { arenaItems } from "./arena.ts";
import type { SessionChanges } from "./effects.ts";
import type {
  AnyListOverlay,
  GrantsOverlay,
  JobsOverlay,
  ListOverlay,
  LoginOverlay,
  SessionsOverlay,
  TrustOverlay,
} from "./overlay.ts";
import { rewindItems } from "./rewind.ts";
import { type AppState, currentAgent, currentSession, currentSessionId } from "./state.ts";

const wordsOf = (query: string): string[] =>
  query
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== "");

/** Whether the text contains every word of the query. */
const holds = (text: string, query: string): boolean => {
  const lower = text.toLowerCase();
  return wordsOf(query).every((word) => lower.includes(word));
};

/**
 * Sessions that wait for a person first, then running ones, then the most recently used. Sub-agents follow their parent.
 */
export function sessionItems(state: AppState, overlay: SessionsOverlay): readonly Session[] {
  const inTexts = textMatches(overlay);
  const known = new Map((overlay.found ?? []).map((session) => [session.id, session]));
  for (const { session } of inTexts.values()) known.set(session.id, session);
  for (const [id, session] of overlay.changed) {
    if (session === null) known.delete(id);
    else known.set(id, session);
  }
  for (const session of state.replica?.sessions ?? []) known.set(session.id, session);
  const rank: { readonly [S in Session["state"]]: number } = { waiting: 0, running: 1, idle: 2 };
  const found = [...known.values()]
    .filter(
      (session) =>
        session.archived === overlay.isArchive &&
        (overlay.parent === undefined || session.parent_id === overlay.parent) &&
        (inTexts.has(session.id) || holds(`${session.title} ${session.agent} ${session.id}`, overlay.query)),
    )
    .sort((a, b) => rank[a.state] - rank[b.state] || (a.updated_at < b.updated_at ? 1 : -1));
  if (overlay.parent !== undefined) return found.filter(isSubagent);
  const parents = new Set(found.map(({ id }) => id));
  const isBelow = (session: Session) =>
    isSubagent(session) && session.parent_id !== null && parents.has(session.parent_id);
  return found
    .filter((session) => !isBelow(session))
    .flatMap((parent) => [
      parent,
      ...found.filter((session) => isBelow(session) && session.parent_id === parent.id),
    ]);
}

/** The sessions in whose messages the present query was found. */
export const textMatches = ({ texts, query }: SessionsOverlay) =>
  new Map((texts?.query === query ? texts.found : []).map((match) => [match.session.id, match]));

/** Remembers what an event says of a session while the list of sessions is open. */
export function withListedSession(state: AppState, event: HearthEvent): AppState {
  const { overlay } = state;
  if (overlay?.kind !== "sessions") return state;
  if (event.type !== "session.updated" && event.type !== "session.deleted") return state;
  const { session } = event.payload;
  const now = event.type === "session.deleted" ? null : session;
  return { ...state, overlay: { ...overlay, changed: new Map(overlay.changed).set(session.id, now) } };
}

const isSubagent = ({ subagent }: Session): boolean => subagent !== undefined;

export type ModelItem = { id: string | null; name: string; detail: string; isCurrent: boolean };

/** The models of the session's agent; the first is the agent's default. */
export function modelItems(state: AppState, overlay: ListOverlay): readonly ModelItem[] {
  const agent = currentAgent(state);
  if (agent === undefined) return [];
  const current = chosenModel(state);
  const models = agent.models.map(({ id, name, context_window }) => ({
    id,
    isCurrent: id === current,
    name: name === "" ? id : name,
    detail: [
      name === id ? "" : id,
      context_window === null ? "" : `${Math.round(context_window / 1000)}k context`,
    ]
      .filter((fact) => fact !== "")
      .join(" · "),
  }));
  const usual: ModelItem = {
    id: null,
    name: "default",
    detail: agent.model ?? "",
    isCurrent: current === null,
  };
  return [usual, ...models].filter(({ name, id }) => holds(`${name} ${id ?? ""}`, overlay.query));
}

export type EffortItem = { effort: string; detail: string; isCurrent: boolean };

/** The efforts of the present model; the first is its default. */
export function effortItems(state: AppState, overlay: ListOverlay): readonly EffortItem[] {
  const { efforts, current } = effortsOf(state);
  const usual = {
    effort: DEFAULT_EFFORT,
    detail: "as the model does by itself",
    isCurrent: current === null,
  };
  const levels = efforts.map((effort) => ({ effort, detail: "", isCurrent: effort === current }));
  return [usual, ...levels].filter(({ effort }) => holds(effort, overlay.query));
}

export const agentItems = (state: AppState, overlay: ListOverlay): readonly Agent[] =>
  (state.replica?.agents ?? []).filter(({ name, backend }) => holds(`${name} ${backend}`, overlay.query));

/** `name`: the action's name in terminal.jsonc. */
export type HelpItem = { key: string; text: string; name: string };

export function helpItems(overlay: ListOverlay, overrides: KeyOverrides): readonly HelpItem[] {
  const keys = actions.flatMap((action): HelpItem[] => {
    const binding: { help?: string } = bindings[action];
    if (binding.help === undefined) return [];
    return [
      { key: chordsOf(action, overrides).map(chordName).join(" · "), text: binding.help, name: action },
    ];
  });
  const slash = commands.map(
    ({ name, takes, help }): HelpItem => ({
      key: `/${name}${takes === undefined ? "" : ` ${takes}`}`,
      text: help,
      name: "",
    }),
  );
  return [...keys, ...slash].filter(({ key, text, name }) => holds(`${key} ${text} ${name}`, overlay.query));
}

/** `mode`: one of hearth's permission modes; undefined for an agent's own mode. */
export type ModeItem = {
  id: string;
  name: string;
  meaning: string;
  mode: PermissionMode | undefined;
  isCurrent: boolean;
  changes: Pick<SessionChanges, "mode" | "agent_mode">;
};

/** hearth's permission modes, then the agent's own modes. */
export function modeItems(state: AppState, overlay: ListOverlay): readonly ModeItem[] {
  const session = currentSession(state);
  const agent = currentAgent(state);
  const current = session?.mode ?? state.defaults.mode ?? "ask";
  const chosen = session?.agent_mode ?? state.defaults.agent_mode ?? null;
  const hearths = permissionModes.map(
    (mode): ModeItem => ({
      id: mode,
      name: mode.replace("_", " "),
      meaning: modeMeanings[mode],
      mode,
      isCurrent: mode === current,
      changes: { mode },
    }),
  );
  const usual: ModeItem = {
    id: "own:",
    name: `${agent?.name} as usual`,
    meaning: "the mode in which it asks",
    mode: undefined,
    isCurrent: chosen === null,
    changes: { agent_mode: null },
  };
  const own = (agent?.modes ?? []).map(
    ({ id, name }): ModeItem => ({
      id: `own:${id}`,
      name: `${agent?.name} ${id}`,
      meaning: name === id ? "its own mode" : name,
      mode: undefined,
      isCurrent: id === chosen,
      changes: { agent_mode: id },
    }),
  );
  return [...hearths, ...(own.length === 0 ? [] : [usual, ...own])].filter(({ name, meaning }) =>
    holds(`${name} ${meaning}`, overlay.query),
  );
}

/** What is always allowed in this workspace, or in the open session. */
export function grantItems(state: AppState, { found, query }: GrantsOverlay): readonly Grant[] {
  const open = currentSessionId(state);
  return (found ?? []).filter(
    ({ session_id, rule }) => (session_id === null || session_id === open) && holds(rule, query),
  );
}

/** Providers that take a key: the known ones, then those whose models are listed. */
export function loginItems(state: AppState, { query, provider }: LoginOverlay): string[] {
  if (provider !== undefined) return [provider];
  const listed = (state.replica?.agents ?? [])
    .filter(({ backend }) => backend === "native")
    .flatMap(({ models }) => models.flatMap(({ id }) => id.split("/", 1)))
    .filter((name) => name !== "demo");
  return [...new Set([...Object.keys(providerVariables), ...listed])].filter((name) => holds(name, query));
}

/** The jobs of the open session, the newest first. */
export const jobItems = (state: AppState, { query }: JobsOverlay): readonly Job[] => {
  const open = currentSessionId(state);
  return (state.replica?.jobs ?? [])
    .filter(({ session_id, command, id }) => session_id === open && holds(`${id} ${command}`, query))
    .toReversed();
};

/** The lines of the job's output that is shown. */
export const jobLines = ({ shown, query }: JobsOverlay): { id: string; text: string }[] =>
  (shown?.lines ?? [])
    .map((text, at) => ({ id: `line-${at}`, text }))
    .filter(({ text }) => holds(text, query));

export type TrustItem = { id: string; text: string; isHead: boolean };

/** The answers to the trust question, then what would run, one row a line. */
export function trustItems({ trust }: TrustOverlay): TrustItem[] {
  const answer = (id: string, text: string) => ({ id, text, isHead: true });
  const answers = trust.is_trusted
    ? [answer("close", "1 close"), answer("revoke", "2 take the trust back")]
    : [answer("trust", "1 trust"), answer("close", "2 not now"), answer("quit", "3 quit")];
  const shown = trust.items.flatMap(({ kind, name, source, text, is_trusted }, item) => {
    const before = is_trusted && !trust.is_trusted ? " · trusted before" : "";
    const head = `${kind.replace("_", " ")} ${name} · ${source}${before}`;
    const lines = text
      .split("\n")
      .map((line, at) => ({ id: `item-${item}-${at}`, text: `  ${line}`, isHead: false }));
    return [{ id: `item-${item}`, text: head, isHead: false }, ...lines];
  });
  return [...answers, ...shown];
}

export const themeItems = (overlay: ListOverlay): readonly ThemeChoice[] =>
  themeChoices.filter((name) => holds(name, overlay.query));

/** The ids of a list's rows. */
export function itemIds(
  state: AppState,
  overlay: AnyListOverlay,
  overrides: KeyOverrides,
): readonly string[] {
  switch (overlay.kind) {
    case "sessions":
      return sessionItems(state, overlay).map(({ id }) => id);
    case "efforts":
      return effortItems(state, overlay).map(({ effort }) => effort);
    case "models":
      return modelItems(state, overlay).map(({ id }) => id ?? "");
    case "agents":
      return agentItems(state, overlay).map(({ name }) => name);
    case "modes":
      return modeItems(state, overlay).map(({ id }) => id);
    case "grants":
      return grantItems(state, overlay).map(({ id }) => `${id}`);
    case "login":
      return loginItems(state, overlay);
    case "jobs":
      return (overlay.shown === undefined ? jobItems(state, overlay) : jobLines(overlay)).map(({ id }) => id);
    case "arena":
      return arenaItems(overlay).map(({ id }) => id);
    case "trust":
      return trustItems(overlay).map(({ id }) => id);
    case "rewind":
      return rewindItems(overlay).map(({ id }) => id);
    case "themes":
      return themeItems(overlay);
    case "help":
      // A key may have several meanings.
      return helpItems(overlay, overrides).map(({ key, name }) => name || key);
  }
}

/** The index of the marked row; the first one if the marked one is gone. */
export const markedIndex = (ids: readonly string[], { marked }: ListOverlay): number =>
  marked === undefined ? 0 : Math.max(0, ids.indexOf(marked));

export const isOpenSession = (state: AppState, session: Session): boolean =>
  session.id === currentSessionId(state);
