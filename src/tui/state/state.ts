import { labelInClientId } from "../../client/client-id.ts";
import type { Replica } from "../../client/replica.ts";
import type { Agent } from "../../protocol/agent.ts";
import type { DaemonStop } from "../../protocol/daemon-stop.ts";
import type { HearthError } from "../../protocol/errors.ts";
import type { PermissionId, RunId, SessionId } from "../../protocol/ids.ts";
import { messageText } from "../../protocol/message-text.ts";
import type { Permission, PermissionMode } from "../../protocol/permission.ts";
import type { Plan } from "../../protocol/plan.ts";
import type { Run } from "../../protocol/run.ts";
import type { Isolation, Session } from "../../protocol/session.ts";
import type { Client } from "../../protocol/workspace.ts";
import { SHELL_AGENT } from "../commands/shell-command.ts";
import { type Editor, emptyEditor } from "../editor/editor.ts";
import { emptyHistory, type History } from "../editor/history.ts";
import type { ScreenSize } from "../screen/screen.ts";
import type { Block } from "../text/blocks/block.ts";
import type { Overlay } from "./overlay.ts";
import type { TokenCount } from "./token-count.ts";

/** The completion list above the prompt, for `@` and `/`. */
export type Completion = {
  kind: "file" | "command";
  /** The index of the `@` or `/`. */
  start: number;
  /** The text after it. */
  query: string;
  /** Files, as far as the daemon has answered. */
  found: readonly string[];
  /** The files answer the current query. */
  isAnswered: boolean;
  /** The daemon has answered while it still looked for files: there may be more. */
  isPartial: boolean;
  index: number;
  isClosed: boolean;
};

/** The connection to the daemon. */
export type Link =
  | { state: "connecting" }
  | { state: "connected" }
  | { state: "lost"; attempt: number; retryAt: number; error: HearthError }
  /** Stopped on purpose: only a person starts it again. */
  | { state: "stopped"; stop: DaemonStop; isStarting: boolean }
  /** Retrying cannot help. */
  | { state: "failed"; error: HearthError };

/** A prompt that was posted and has not been seen in the stream. */
export type Sending = { runId: RunId; text: string; isShell: boolean };

/** The open question and what the person has done with it. */
export type QuestionState = {
  id: PermissionId;
  /** The selected option. */
  index: number;
  /** Keys go to the question; otherwise to the prompt. */
  isFocused: boolean;
  /** Until this moment keys still go to the prompt: they were meant for it. */
  armedAt: number;
  /** Something of what is asked about has no room in the live region, */
  isCut: boolean;
  /** or of these answers, by index, what they would allow, */
  cutOptions: readonly number[];
  /** and it has not been looked at in full yet. */
  isUnread: boolean;
  /** What is written for the answer in the prompt's place, what stood there at first, and the saved draft. */
  writing:
    | { what: "reason" | "command" | "answer"; draft: Editor; given: string; isSent: boolean }
    | undefined;
};

export type Flash = { text: string; level: "info" | "warning" | "error" };

/** A key whose second press has a meaning, and until when. */
export type Armed = { press: "interrupt" | "escape"; until: number };

export type Search = { query: string; skip: number };

/** What a new session starts with; changed by pickers as long as there is none. */
export type Defaults = {
  agent: string | undefined;
  model: string | undefined;
  mode: PermissionMode | undefined;
  /** Of the agent's own. */
  agent_mode: string | undefined;
  isolation: Isolation | undefined;
};

/** How the screen is drawn. */
export type DisplayMode = {
  /** Screen-reader mode: each line is printed once, and whole lines are typed. */
  isLines: boolean;
  /** No moving clocks or counters. */
  isStill: boolean;
  /** Shown as `~`. */
  home: string | undefined;
};
const defaultDisplay: DisplayMode = { isLines: false, isStill: false, home: undefined };

/** By a person's choice, the same on an empty screen, or because something began in it. */
export type Opening = "chosen" | "cleared" | "begun_beside";

export type AppState = {
  clientId: string;
  display: DisplayMode;
  size: ScreenSize;
  /** Milliseconds; moves once a second while something runs. */
  now: number;
  /** Whether the window has the focus; unknown where the terminal does not report it. */
  focus: "in" | "out" | "unknown";
  link: Link;
  replica: Replica | undefined;
  /** Blocks that are not in the scrollback yet, in order. */
  live: readonly Block[];
  sending: readonly Sending[];
  /** The run that this terminal asked to cancel. */
  cancelAsked: RunId | undefined;
  editor: Editor;
  history: History;
  search: Search | undefined;
  completion: Completion | undefined;
  /** The queued prompt that is being edited in the composer, and the draft saved for it. */
  editing: { runId: RunId; draft: Editor } | undefined;
  question: QuestionState | undefined;
  overlay: Overlay | undefined;
  /** What the running turn has said so far. */
  tokenCount: TokenCount | undefined;
  /** The agent's plan is shown in full. */
  isPlanOpen: boolean;
  flash: Flash | undefined;
  armed: Armed | undefined;
  lastTypedAt: number;
  defaults: Defaults;
  isLeaving: boolean;
  /** How the session that is being opened comes here. */
  opening: Opening;
  /** The person asked for a new session: what begins beside it is not joined. */
  staysNew: boolean;
  /** A session in which something began while this terminal had none. */
  beside: SessionId | undefined;
};

export const initialState = (options: {
  clientId: string;
  size: ScreenSize;
  now: number;
  history: readonly string[];
  defaults: Defaults;
  display?: DisplayMode;
}): AppState => ({
  clientId: options.clientId,
  display: options.display ?? defaultDisplay,
  size: options.size,
  now: options.now,
  focus: "unknown",
  link: { state: "connecting" },
  replica: undefined,
  live: [],
  sending: [],
  cancelAsked: undefined,
  editor: emptyEditor,
  history: { ...emptyHistory, entries: options.history },
  search: undefined,
  completion: undefined,
  editing: undefined,
  question: undefined,
  overlay: undefined,
  tokenCount: undefined,
  isPlanOpen: false,
  flash: undefined,
  armed: undefined,
  lastTypedAt: Number.NEGATIVE_INFINITY,
  defaults: options.defaults,
  isLeaving: false,
  opening: "chosen",
  staysNew: false,
  beside: undefined,
});

export const currentSessionId = (state: AppState): SessionId | null => state.replica?.session_id ?? null;

export function currentSession(state: AppState): Session | undefined {
  const id = currentSessionId(state);
  return id === null ? undefined : state.replica?.sessions.find((session) => session.id === id);
}

export function currentAgent(state: AppState): Agent | undefined {
  const name = currentSession(state)?.agent ?? state.defaults.agent;
  const agents = state.replica?.agents ?? [];
  return agents.find((agent) => agent.name === name) ?? agents.find(({ status }) => status === "ready");
}

/** Null for the agent's default. */
export const currentModel = (state: AppState): string | null =>
  currentSession(state)?.model ?? state.defaults.model ?? null;

const noRuns: readonly Run[] = [];

/** The unfinished runs of the open session, in the order they were accepted. */
export function currentRuns(state: AppState): readonly Run[] {
  const { replica } = state;
  if (replica === undefined || replica.session_id === null) return noRuns;
  return replica.runs.filter((run) => run.session_id === replica.session_id);
}

/** The active run, or the one that starts next. */
export function activeRun(state: AppState): Run | undefined {
  const runs = currentRuns(state);
  return runs.find((run) => run.state === "active") ?? runs.find((run) => run.state === "accepted");
}

export const isBusy = (state: AppState): boolean =>
  state.sending.length > 0 || activeRun(state) !== undefined;

/** Prompts that wait behind the active run, or are held. */
export function queuedRuns(state: AppState): readonly Run[] {
  const active = activeRun(state);
  return currentRuns(state).filter((run) => run !== active && run.state !== "active");
}

/** Whether a queued prompt can be sent into the running turn; shell commands neither steer nor are steered. */
function canSteerWith(state: AppState, { state: phase, delivery, agent }: Run): boolean {
  const active = activeRun(state);
  if (active === undefined || active.agent === SHELL_AGENT || agent === SHELL_AGENT) return false;
  return phase === "queued" && delivery !== "steer";
}

/** On an empty prompt, Enter steers with this terminal's own queued prompt, never with another's. */
export const isOwnSteering = (state: AppState, run: Run): boolean =>
  run.by === state.clientId && canSteerWith(state, run);

/** A waiting prompt as it was typed, for the composer and for lists. */
export const draftOfRun = (state: AppState, run: Run): string =>
  run.agent === SHELL_AGENT ? `!${textOfRun(state, run)}` : textOfRun(state, run);

export function textOfRun(state: AppState, run: Run): string {
  const message = state.replica?.messages.find(({ id }) => id === run.message_id);
  return message === undefined ? "" : messageText(message);
}

/** The oldest open question of the open session. */
export function openQuestion(state: AppState): Permission | undefined {
  const { replica } = state;
  return replica?.permissions.find(
    (permission) => permission.session_id === replica.session_id && permission.state === "open",
  );
}

/** The agent's plan while it is being worked on; undefined when all is done. */
export function currentPlan(state: AppState): Plan["entries"] | undefined {
  const { replica } = state;
  const plan = replica?.plans.find(({ session_id }) => session_id === replica.session_id);
  if (plan === undefined || activeRun(state) === undefined) return undefined;
  return plan.entries.some(({ status }) => status !== "completed") ? plan.entries : undefined;
}

/** The composer holds the command of the open question. */
export const isWritingCommand = (state: AppState): boolean => state.question?.writing?.what === "command";

/** Sessions other than the open one that wait for an answer. */
export function waitingElsewhere(state: AppState): number {
  const id = currentSessionId(state);
  return (
    state.replica?.sessions.filter((session) => session.id !== id && session.state === "waiting").length ?? 0
  );
}

/** A client's name on the screen; undefined for this terminal. */
export function nameOfClient(
  state: Pick<AppState, "replica" | "clientId">,
  id: string | null,
): string | undefined {
  if (id === null || id === state.clientId) return undefined;
  return clientName(state.replica, id);
}

/** Also of a client that has left. */
export const clientName = (replica: Replica | undefined, id: string): string =>
  replica?.clients.find((client) => client.id === id)?.label || labelInClientId(id) || "another client";

/** Other terminals that show the same session; one that came back before its loss was noticed counts once. */
export function othersHere({ clients, session_id }: Replica, clientId: string): readonly Client[] {
  const here = clients.filter(
    (client) =>
      client.kind === "tui" &&
      client.id !== clientId &&
      session_id !== null &&
      client.session_id === session_id,
  );
  return [...new Map(here.map((client) => [client.id, client])).values()];
}

/** Terminals that show this session, this one counted. */
export const terminalCount = ({ replica, clientId }: AppState): number =>
  replica === undefined ? 0 : 1 + othersHere(replica, clientId).length;
