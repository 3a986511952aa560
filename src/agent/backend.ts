import type { AgentCommand, AgentMode, AgentModel, BackendKind } from "../protocol/agent.ts";
import type { RunId, SessionId } from "../protocol/ids.ts";
import type { SessionMcpServer } from "../protocol/mcp.ts";
import type {
  ContextChange,
  FinishReason,
  Message,
  ToolCallPart,
  ToolCallStatus,
  ToolKind,
  ToolView,
} from "../protocol/message.ts";
import type { PermissionMode } from "../protocol/permission.ts";
import type { Plan } from "../protocol/plan.ts";
import type { Attachment } from "../protocol/routes/runs.ts";
import type { Outcome, RunError } from "../protocol/run.ts";
import type { SubagentKind } from "../protocol/session.ts";
import type { Usage } from "../protocol/usage.ts";
import type { PersonAnswer, PersonQuestion } from "./permission/person-question.ts";
import type { PermissionRequest, Verdict } from "./permission/request.ts";
import type { BudgetOver } from "./run/budget.ts";
import type { SubagentEnd, SubagentTask } from "./subagent.ts";

/**
 * The events of a running turn. The recorder turns them into messages and parts. It drops what arrives after the run's
 * end, so that a backend need not check (G9).
 *
 * Order within a step: `step_started`, then deltas and tool calls in any order, then `step_finished`. A tool
 * call may still be updated after `step_finished` of its own step, until the next `step_started`.
 */
export type BackendEvent =
  /** The agent is given the prompt and its handover now. Unused by native. */
  | { type: "prompted" }
  | { type: "step_started"; model: string | null }
  /** Appends to the open text part, or opens one. */
  | { type: "text_delta"; text: string }
  | { type: "reasoning_delta"; text: string }
  /**
   * Closes the open text or reasoning part; `provider` is stored with it and sent back verbatim. `of` is the kind of an
   * empty part when none is open (default: reasoning).
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
      /** The model's provider runs it itself. */
      provider_run?: true;
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
      provider?: Record<string, unknown>;
    }
  /** A file of a call's result, for the model. `data` is base64. */
  | { type: "tool_file"; tool_call_id: string; name: string; media_type: string; data: string }
  /** Appends to a running tool call's output. */
  | { type: "tool_output"; tool_call_id: string; text: string }
  /**
   * What an unfinished answer has used so far. It counts if the turn ends before `step_finished` reports the whole.
   * `isLost`: the answer was cut off for good, so this counts in addition to what follows.
   */
  | { type: "usage"; usage: Usage; cost: number; isLost: boolean }
  /** Usage and cost of this step alone. `tool_use` when the turn continues. */
  | { type: "step_finished"; finish_reason: FinishReason; usage: Usage; cost: number }
  | {
      type: "notice";
      level: "info" | "warning" | "error";
      code: string;
      text: string;
      context?: ContextChange;
    }
  | { type: "plan"; entries: Plan["entries"] };

/** Events about a session. They can come at any time, also without a turn. */
export type AgentSessionEvent =
  | { type: "title"; title: string }
  | { type: "version"; version: string }
  | { type: "commands"; commands: AgentCommand[] }
  | { type: "modes"; modes: AgentMode[]; current: string | null }
  /** `current`: the agent's default; null if it is not known now. */
  | { type: "models"; models: AgentModel[]; current: string | null }
  /** Tokens in its conversation, and the model and its context window, if reported. */
  | { type: "context"; used: number; window: number | null; model: string | null }
  /** The child is gone; the next turn opens it again. */
  | { type: "crashed"; message: string }
  /** It failed too often in a row, and is not started again for a while. */
  | { type: "failed"; message: string }
  /** Its provider demands a login, for that reason; null: its login works. */
  | { type: "login"; reason: string | null }
  /** It works on by itself after its turn has ended: a turn with `goesOn` shows that work. */
  | { type: "works_on" }
  /** Usage of background work for its conversation, outside its turns. */
  | { type: "spent"; usage: Usage; cost: number; model: string }
  /** It is no longer warm. */
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
  /** One of the agent's own modes; null: the mode in which it asks. */
  agent_mode: string | null;
  /** The environment of its commands. */
  env: Readonly<Record<string, string>>;
  max_steps: number | null;
  /**
   * What this agent missed since its own last turn, placed before the prompt; null if nothing. hearth's own agent reads
   * the transcript: for it, only what hearth has to say besides.
   */
  handover: string | null;
  /**
   * Set for a turn without a prompt: the agent works on by itself after an earlier turn. The turn ends when that work is
   * over, or when the signal aborts because a prompt waits.
   */
  goesOn?: AbortSignal;
  /** Set for a turn that only compacts the conversation. `keep`: what the summary must contain. Native agent only. */
  compact?: { keep: string };
};

/** What a turn can use of its session. Nothing here has any effect once the run has ended. */
export type TurnHost = {
  /** Several events are written in one transaction. A text delta must come alone: it has its own. */
  emit(...events: BackendEvent[]): void;
  /** Judges by mode, rules and grants, and asks a person if they do not decide. Never throws. */
  authorize(request: PermissionRequest, signal: AbortSignal): Promise<Verdict>;
  /** Budgets in money and time. A backend that can pause asks when one is used up; any other is stopped. */
  budget?: { over(): BudgetOver | null; raise(over: BudgetOver): void };
  /** Asks a person. Never throws. */
  ask(question: PersonQuestion, signal: AbortSignal): Promise<PersonAnswer>;
  /** Lets a sub-agent do a task; null: the run is ending. Never throws. `onProgress` gets what it does, in lines. */
  delegate(
    task: SubagentTask,
    onProgress: (text: string) => void,
    signal: AbortSignal,
  ): Promise<SubagentEnd | null>;
  /**
   * The session's transcript, oldest first, with this run's prompt and without queued prompts. Settled messages keep
   * their object identity between calls, so that conversions can be cached per message.
   */
  transcript(): readonly Message[];
  /** Prompts to fold into the turn now (delivery "steer"). They are in the transcript from here on. */
  takeSteering(): readonly Message[];
};

/** `of`: the session whose container it is; a sub-agent's commands run in that of its parent. */
export type SessionContainer = { of: SessionId; image: string };

/** The hearth session that a backend opens an agent's session for. */
export type SessionContext = {
  session_id: SessionId;
  agent: string;
  /** The session's root: the workspace, or its worktree. */
  root: string;
  /** Where its commands run, if not on this machine. */
  container?: SessionContainer | undefined;
  model: string | null;
  mode: PermissionMode;
  agent_mode: string | null;
  /** Set for a session that the agent of another one started. */
  subagent?: SubagentKind | undefined;
  /** The only tools of such a session, in the words of its definition; undefined: all. */
  subagentTools?: readonly string[] | undefined;
  env: Readonly<Record<string, string>>;
  /** MCP servers of this session alone, for an agent that starts such servers itself. */
  mcpServers?: readonly SessionMcpServer[] | undefined;
  /** What an earlier open stored with `remember`, also before a restart. */
  remembered: Remembered | null;
  remember(value: Remembered): void;
  /** Somebody has given the session a title, other than the first line of its prompt. */
  isNamed?: boolean;
  /** A text that the backend can store across restarts. `write` returns whether it was written. */
  kept?: { read(): string | null; write(text: string): boolean };
  onEvent(event: AgentSessionEvent): void;
};
export type Remembered = {
  agent_session_id: string;
  fingerprint: string;
  /** For agents that report cost as a running total: the part of it already counted. */
  reported_cost?: number | undefined;
};

export type OpenedSession = {
  /** Whether the next turn can use it: its child is alive, and it was opened for this root, environment and MCP servers. */
  isUsable(session: Pick<SessionContext, "root" | "env" | "mcpServers">): Promise<boolean>;
  /** Whether something is kept running for it; always, if absent. */
  isWarm?(): boolean;
  /** `resumed`: it knows its earlier turns, as it does after its first; `new`: it must be given the transcript. */
  readonly kind: "resumed" | "new";
  /**
   * Runs one turn. Resolves when it has settled: its tools are dead, and the agent has answered or its child is gone.
   * After `signal` aborts it must settle soon: the coordinator waits 5 s, then calls `kill`. Rejects only for a bug;
   * expected failures are an `error` result.
   */
  runTurn(turn: Turn, host: TurnHost, signal: AbortSignal): Promise<TurnResult>;
  /** Settles the running turn by force; later output is dropped. */
  kill(): Promise<void>;
  /** Only while no turn runs. */
  close(): Promise<void>;
};

/** One agent of the configuration. The coordinator owns the lifecycle; a backend only translates. */
export type Backend = {
  readonly kind: BackendKind;
  /**
   * Opens a session in the agent, or resumes it. Throws HearthError (agent_unavailable, provider_auth, model_unavailable,
   * config_invalid …); the run then ends with that error.
   */
  open(session: SessionContext, signal: AbortSignal): Promise<OpenedSession>;
  /** Ends every child. */
  close(): Promise<void>;
};
