import { labelInClientId } from "../../client/client-id.ts";
import type { Replica } from "../../client/replica.ts";
import type { Agent } from "../../protocol/agent.ts";
import type { DaemonStop } from "../../protocol/daemon-stop.ts";
import type { HearthError } from "../../protocol/errors.ts";
import type { PermissionId, RunId, SessionId } from "../../protocol/ids.ts";
import { messageText } from "../../protocol/message-text.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { Plan } from "../../protocol/plan.ts";
import type { Run } from "../../protocol/run.ts";
import type { Isolation, Session } from "../../protocol/session.ts";
import { SHELL_AGENT } from "../commands/shell-command.ts";
import { type Editor, emptyEditor } from "../editor/editor.ts";
import { emptyHistory, type History } from "../editor/history.ts";
import type { ScreenSize } from "../screen/screen.ts";
import type { Block } from "../text/blocks/block.ts";
import type { Overlay } from "./overlay.ts";
import { subagentOf } from "./questions.ts";
import type { TokenCount } from "./token-count.ts";

/** The completion list for `@`, `/` and the arguments of an MCP server's prompt. */
export type Completion = {
  kind: "file" | "command" | "argument";
  /** The index of the `@` or `/`. */
  start: number;
  /** The text after it. */
  query: string;
  /** The files or values that the daemon has found. */
  found: readonly string[];
  /** The characters before the caret that a found value stands for. */
  replaces: number;
  /** Whether they are the answer to the current query. */
  isAnswered: boolean;
  /** The daemon was still listing files: there may be more. */
  isPartial: boolean;
  index: number;
  isClosed: boolean;
};

/** The connection to the daemon. */
export type Link =
  | { state: "connecting" }
  | { state: "connected" }
  | { state: "lost"; attempt: number; retryAt: number; error: HearthError }
  /** Stopped on purpose: only a person starts a daemon again. */
  | { state: "stopped"; stop: DaemonStop; isStarting: boolean }
  /** An error that a retry cannot solve. */
  | { state: "failed"; error: HearthError };

/** A prompt that was sent and is not in the event stream yet. */
export type Sending = { runId: RunId; text: string; isShell: boolean };

/** The open question and what the person has done about it. */
export type QuestionState = {
  id: PermissionId;
  /** The selected option. */
  index: number;
  /** Keys go to the question; otherwise to the prompt. */
  isFocused: boolean;
  /** Until then keys still go to the prompt: they were meant for it. */
  armedAt: number;
  /** A part of the subject does not fit into the live region. */
  isCut: boolean;
  /** The answers, by index, whose rules do not fit whole. */
  cutOptions: readonly number[];
  /** Something did not fit, and the person has not opened the full view yet. */
  isUnread: boolean;
  /** A reason or a command for the answer is being written in the composer: its first text, and the saved draft. */
  writing:
    | { what: "reason" | "command" | "answer"; draft: Editor; given: string; isSent: boolean }
    | undefined;
};

export type Flash = { text: string; level: "info" | "warning" | "error" };

/** A key whose second press has a meaning until then. */
export type Armed = { press: "interrupt" | "escape"; until: number };

export type Search = { query: string; skip: number };

/** The settings of a new session; pickers change them while no session is open. */
export type Defaults = {
  agent: string | undefined;
  model: string | undefined;
  mode: PermissionMode | undefined;
  /** One of the agent's own modes. */
  agent_mode: string | undefined;
  isolation: Isolation | undefined;
  container: string | undefined;
};

/** How the screen is drawn. */
export type DisplayMode = {
  /** A terminal of lines (screen reader, TERM=dumb): each line is printed once, and input comes as whole lines. */
  isLines: boolean;
  /** No moving clocks or counters. */
  isStill: boolean;
  /** Shown as `~`. */
  home: string | undefined;
};
const defaultDisplay: DisplayMode = { isLines: false, isStill: false, home: undefined };

/** Chosen by the person, chosen on a cleared screen, or joined because a run began in it. */
export type Opening = "chosen" | "cleared" | "begun_beside";

export type AppState = {
  clientId: string;
  display: DisplayMode;
  /** This terminal shows everything and steers nothing. */
  isObserver: boolean;
  /** The machine whose daemon this is, and how long it takes to answer; undefined for this one. */
  remote: { host: string; latencyMs: number | undefined } | undefined;
  size: ScreenSize;
  /** In milliseconds; updated once a second while something runs. */
  now: number;
  /** Whether the window has the focus; unknown where the terminal does not report it. */
  focus: "in" | "out" | "unknown";
  link: Link;
  replica: Replica | undefined;
  /** Unfinished blocks, which are not in the scrollback yet, in order. */
  live: readonly Block[];
  sending: readonly Sending[];
  /** The run that this terminal asked to cancel. */
  cancelAsked: RunId | undefined;
  editor: Editor;
  history: History;
  search: Search | undefined;
  completion: Completion | undefined;
  /** The queued prompt that is being edited in the composer, and the draft saved meanwhile. */
  editing: { runId: RunId; draft: Editor } | undefined;
  question: QuestionState | undefined;
  overlay: Overlay | undefined;
  /** The tokens of the running turn so far. */
  tokenCount: TokenCount | undefined;
  /** The agent's plan is shown in full. */
  isPlanOpen: boolean;
  flash: Flash | undefined;
  armed: Armed | undefined;
  lastTypedAt: number;
  defaults: Defaults;
  isLeaving: boolean;
  /** Why the session that is being opened is opened. */
  opening: Opening;
  /** The person asked for a new session: sessions in which runs begin elsewhere are not joined. */
  staysNew: boolean;
  /** A session in which a run began elsewhere while this terminal had no session. */
  beside: SessionId | undefined;
};

export const initialState = (options: {
  clientId: string;
  size: ScreenSize;
  now: number;
  history: readonly string[];
  defaults: Defaults;
  display?: DisplayMode;
  isObserver?: boolean;
  remote?: AppState["remote"];
}): AppState => ({
  clientId: options.clientId,
  display: options.display ?? defaultDisplay,
  isObserver: options.isObserver ?? false,
  remote: options.remote,
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

/** Whether a queued prompt can steer the running turn; shell commands neither steer nor are steered. */
function canSteerWith(state: AppState, { state: phase, delivery, agent }: Run): boolean {
  const active = activeRun(state);
  if (active === undefined || active.agent === SHELL_AGENT || agent === SHELL_AGENT) return false;
  return phase === "queued" && delivery !== "steer";
}

/** Enter on an empty prompt steers with this terminal's own queued prompt, never with another terminal's. */
export const isOwnSteering = (state: AppState, run: Run): boolean =>
  run.by === state.clientId && canSteerWith(state, run);

/** A queued prompt as it was typed. */
export const draftOfRun = (state: AppState, run: Run): string =>
  run.agent === SHELL_AGENT ? `!${textOfRun(state, run)}` : textOfRun(state, run);

export function textOfRun(state: AppState, run: Run): string {
  const message = state.replica?.messages.find(({ id }) => id === run.message_id);
  if (message === undefined) return "";
  for (const part of message.parts)
    if (part.type === "notice" && part.context?.kind === "asked")
      return `/compact ${part.context.keep}`.trimEnd();
  return messageText(message);
}

/** The agent's plan; undefined if all its entries are done. */
export function currentPlan(state: AppState): Plan["entries"] | undefined {
  const { replica } = state;
  const plan = replica?.plans.find(({ session_id }) => session_id === replica.session_id);
  if (plan === undefined || activeRun(state) === undefined) return undefined;
  return plan.entries.some(({ status }) => status !== "completed") ? plan.entries : undefined;
}

/** Whether the command of the open question is being edited. */
export const isWritingCommand = (state: AppState): boolean => state.question?.writing?.what === "command";

/** The number of other sessions that wait for an answer. */
export function waitingElsewhere(state: AppState): number {
  const id = currentSessionId(state);
  return (
    state.replica?.sessions.filter(
      (session) =>
        session.id !== id &&
        session.state === "waiting" &&
        subagentOf(state.replica, session.id) === undefined,
    ).length ?? 0
  );
}

/** A client's shown name; undefined for this terminal. */
export function nameOfClient(
  state: Pick<AppState, "replica" | "clientId">,
  id: string | null,
): string | undefined {
  if (id === null || id === state.clientId) return undefined;
  return clientName(state.replica, id);
}

/** Works also for a client that has left. */
export const clientName = (replica: Replica | undefined, id: string): string =>
  replica?.clients.find((client) => client.id === id)?.label || labelInClientId(id) || "another client";
