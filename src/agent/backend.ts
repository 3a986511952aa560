import type { AgentCommand, AgentMode, AgentModel, BackendKind } from "../protocol/agent.ts";
import type { RunId, SessionId } from "../protocol/ids.ts";
import type {
  FinishReason,
  Message,
  ToolCallPart,
  ToolCallStatus,
  ToolKind,
  ToolView,
} from "../protocol/message.ts";
import type { PermissionMode } from "../protocol/permission.ts";
import type { Plan } from "../protocol/plan.ts";
import type { Attachment } from "../protocol/routes.ts";
import type { Outcome, RunError } from "../protocol/run.ts";
import type { Usage } from "../protocol/usage.ts";
import type { PermissionRequest, Verdict } from "./permission/request.ts";

/**
 * What a backend says while it runs a turn. The recorder makes messages and parts of it; whatever arrives after
 * the run's end is dropped there, so that a backend never has to know (G9).
 *
 * Order within a step: `step_started`, then deltas and tool calls in any order, then `step_finished`. A tool
 * call may still be updated after `step_finished` of its own step, until the next `step_started`.
 */
export type BackendEvent =
  /** Its agent is given the prompt now, and what it missed with it. Unused by native. */
  | { type: "prompted" }
  | { type: "step_started"; model: string | null }
  /** Appends to the open text part, or opens one. */
  | { type: "text_delta"; text: string }
  | { type: "reasoning_delta"; text: string }
  /**
   * Closes the open text or reasoning part; `provider` is kept with it and sent back verbatim. Where none is open, `of`
   * says what was said without words: reasoning, where it is not given.
   */
  | { type: "part_ended"; of?: "text" | "reasoning"; provider?: Record<string, unknown> }
  | {
      type: "tool_call";
      tool_call_id: string;
      name: string;
      kind: ToolKind;
      title: string;
      input: unknown;
      status: "pending" | "running";
      provider?: Record<string, unknown>;
    }
  | {
      type: "tool_call_updated";
      tool_call_id: string;
      status?: ToolCallStatus;
      title?: string;
      kind?: ToolKind;
      input?: unknown;
      /** Replaces what was streamed. */
      output?: string;
      view?: ToolView;
      edited?: ToolCallPart["edited"];
    }
  /** Appends to a running tool call's output. */
  | { type: "tool_output"; tool_call_id: string; text: string }
  /**
   * What an answer that is still coming has used so far: it counts if the turn ends before `step_finished` says the
   * whole. `isLost`: the answer will never be whole, so this counts beside what follows.
   */
  | { type: "usage"; usage: Usage; cost: number; isLost: boolean }
  /** Usage and cost of this step alone. `tool_use` when the turn goes on. */
  | { type: "step_finished"; finish_reason: FinishReason; usage: Usage; cost: number }
  | { type: "notice"; level: "info" | "warning" | "error"; code: string; text: string }
  | { type: "plan"; entries: Plan["entries"] };

/** What a backend says of a session at any time, turn or no turn. */
export type AgentSessionEvent =
  | { type: "title"; title: string }
  | { type: "version"; version: string }
  | { type: "commands"; commands: AgentCommand[] }
  | { type: "modes"; modes: AgentMode[]; current: string | null }
  /** `current`: what it takes when none is named; null where that is not known now. */
  | { type: "models"; models: AgentModel[]; current: string | null }
  /** How many tokens its conversation has; what the model can hold and which one it is, where it says so. */
  | { type: "context"; used: number; window: number | null; model: string | null }
  /** The child is gone; the next turn opens it again. */
  | { type: "crashed"; message: string }
  /** It failed too often in a row: for a while it is not even tried. */
  | { type: "failed"; message: string }
  /** Its provider wants a login of it, for that reason; null: it does its work. */
  | { type: "login"; reason: string | null }
  /** Behind its turn's answer it works on: a turn that `goesOn` tells what it does. */
  | { type: "works_on" }
  /** It is not kept warm any more. */
  | { type: "cooled" };

export type TurnResult =
  | { outcome: Exclude<Outcome, "error" | "steered" | "interrupted"> }
  | { outcome: "error"; error: RunError };

export type Turn = {
  run_id: RunId;
  prompt: string;
  attachments: readonly Attachment[];
  model: string | null;
  mode: PermissionMode;
  /** Of the agent's own modes; null: the one in which it asks. */
  agent_mode: string | null;
  /** What its commands run with. */
  env: Readonly<Record<string, string>>;
  max_steps: number | null;
  /** What this agent missed since its own last turn, to be put before the prompt; null when nothing. Unused by native. */
  handover: string | null;
  /**
   * It has no prompt: the agent works on by itself behind an earlier turn. It ends when nothing more is heard of that,
   * or when the signal aborts: then a prompt waits.
   */
  goesOn?: AbortSignal;
};

/** What a turn may ask of its session. Everything here is inert once the run has ended. */
export type TurnHost = {
  /** Several at once are written in one transaction; text, which has one of its own, comes alone. */
  emit(...events: BackendEvent[]): void;
  /** Judges by mode, rules and grants, and asks a person where that does not decide. Never throws. */
  authorize(request: PermissionRequest, signal: AbortSignal): Promise<Verdict>;
  /**
   * The session's transcript, oldest first, this run's prompt included and waiting prompts left out. Settled
   * messages keep their object identity between calls, so that a conversion can be remembered per message.
   */
  transcript(): readonly Message[];
  /** Prompts to fold into the turn now (delivery "steer"). They are in the transcript from here on. */
  takeSteering(): readonly Message[];
};

/** The session that a backend opens its counterpart for. */
export type SessionContext = {
  session_id: SessionId;
  agent: string;
  /** The session's root: the workspace, or its worktree. */
  root: string;
  model: string | null;
  mode: PermissionMode;
  agent_mode: string | null;
  env: Readonly<Record<string, string>>;
  /** What an earlier open stored with `remember`, also before a restart. */
  remembered: Remembered | null;
  remember(value: Remembered): void;
  /** A text of the backend's own that is there again after a restart. `write` says whether it was written. */
  kept?: { read(): string | null; write(text: string): boolean };
  onEvent(event: AgentSessionEvent): void;
};
export type Remembered = {
  agent_session_id: string;
  fingerprint: string;
  /** Of an agent that tells its cost as a running total: how much of it has been counted. */
  reported_cost?: number | undefined;
};

export type OpenedSession = {
  /** Whether the next turn may use it as it is: its child lives, and it was made for this root and environment. */
  isUsable(session: Pick<SessionContext, "root" | "env">): boolean;
  /** Whether something is kept running for it; always, where this is absent. */
  isWarm?(): boolean;
  /** `resumed`: it knows the turns it made before, as it does after its first; `new`: it must be handed the transcript. */
  readonly kind: "resumed" | "new";
  /**
   * Runs one turn. Resolves when it has settled: its tools are dead, the backend's own answer is in or its child
   * is gone. After `signal` aborts it must settle soon; the coordinator waits 5 s, then calls `kill`.
   * Rejects only for a bug; what goes wrong on purpose is an `error` result.
   */
  runTurn(turn: Turn, host: TurnHost, signal: AbortSignal): Promise<TurnResult>;
  /** By force: after it the running turn is settled and its words are nobody's. */
  kill(): Promise<void>;
  /** In order, while no turn runs. */
  close(): Promise<void>;
};

/** One agent of the configuration. The coordinator owns the lifecycle; a backend only translates. */
export type Backend = {
  readonly kind: BackendKind;
  /**
   * Makes the counterpart or takes it up again. Throws HearthError (agent_unavailable, provider_auth,
   * model_unavailable, config_invalid …): the run then ends `error` with it.
   */
  open(session: SessionContext, signal: AbortSignal): Promise<OpenedSession>;
  /** Ends every child. */
  close(): Promise<void>;
};
