// Long because it lists what every route may ask for.
import type { FoundFiles } from "../agent/files/file-search.ts";
import type { ArgumentValues } from "../agent/mcp/complete.ts";
import type { TcpEnds } from "../agent/process/descent.ts";
import type { CancelScope } from "../agent/run/state.ts";
import type { Agent, AgentLogin, AgentSession } from "../protocol/agent.ts";
import type { Away } from "../protocol/away.ts";
import type { Change, Resolve } from "../protocol/change.ts";
import type { ChangeId, PermissionId, RunId, SessionId, TaskId, WorkspaceId } from "../protocol/ids.ts";
import type { Job } from "../protocol/job.ts";
import type { Launcher } from "../protocol/launcher.ts";
import type { McpLoginState, McpServer, SessionMcpServer } from "../protocol/mcp.ts";
import type { Message } from "../protocol/message.ts";
import type { Grant, Permission, PermissionMode } from "../protocol/permission.ts";
import type { ContextFill, RequestDetail, RequestMeta } from "../protocol/request.ts";
import type { Health } from "../protocol/routes/daemon.ts";
import type { PromptBody, PromptReply } from "../protocol/routes/runs.ts";
import type { TaskBody } from "../protocol/routes/tasks.ts";
import type { RouteParsed, RouteReply } from "../protocol/routes.ts";
import type { Delivery, Run } from "../protocol/run.ts";
import type { Isolation, Session } from "../protocol/session.ts";
import type { ExportPage } from "../protocol/session-file.ts";
import type { FoundSession } from "../protocol/session-search.ts";
import type { Snapshot } from "../protocol/snapshot.ts";
import type { Task } from "../protocol/task.ts";
import type { Trust } from "../protocol/trust.ts";
import type { RedoBody, UndoBody, Undone, UndoTurn } from "../protocol/undo.ts";
import type { UsageBy, UsageRow } from "../protocol/usage.ts";
import type { Client, Environment, Workspace } from "../protocol/workspace.ts";
import type { Forked } from "./fork/fork.ts";
import type { Imports } from "./transfer/import.ts";

/** The id of the client that asks; null if it sent none. */
export type Caller = string | null;

type ShutdownOptions = RouteParsed<"POST /v1/daemon/shutdown">["body"];
type SessionFields = RouteParsed<"POST /v1/workspaces/{wid}/sessions">["body"];
type ForkOptions = NonNullable<RouteParsed<"POST /v1/workspaces/{wid}/sessions/{sid}/fork">["body"]>;
type CompactOptions = NonNullable<RouteParsed<"POST /v1/workspaces/{wid}/sessions/{sid}/compact">["body"]>;
type PermissionAnswer = RouteParsed<"POST /v1/workspaces/{wid}/permissions/{pid}">["body"];
type SessionChanges = RouteParsed<"PATCH /v1/workspaces/{wid}/sessions/{sid}">["body"];

/** A reader of a workspace's event stream. `send` must neither throw nor block. */
export type Subscriber = {
  /** An encoded SSE event, the same bytes for all readers. */
  send(frame: Buffer): void;
  /** Calls `next` once most of what was sent has been read; never after the client has gone. */
  whenDrained(next: () => void): void;
  /** The stream is over: the workspace closes or the daemon stops. */
  end(): void;
};

/**
 * The interface for the HTTP layer, which parses, calls one of these and replies. Every failure is a HearthError. Calls
 * that change a session are synchronous, so that a reply shows one consistent state; calls that read files are not.
 */
export type Services = {
  /** The launchers of the configuration, by name. Throws workspace_not_found. */
  engines(wid: WorkspaceId): Readonly<Record<string, Launcher>>;
  health(): Health;
  /** Resolves when `health` knows what takes a moment to find out. */
  checked(): Promise<void>;
  /** Throws daemon_busy if `only_if_idle` is set and something runs. Returns at once; the stop follows. */
  shutdown(options: ShutdownOptions, caller: Caller): void;
  /** Reads the workspace's own configuration again before a request uses it. Never throws, and waits only briefly. */
  refresh(wid: WorkspaceId): Promise<void>;
  /** What is ignored of the workspace's configuration, one sentence each. */
  warnings(wid: WorkspaceId): string[];
  /** Processes that agents and their commands have started. */
  children: {
    include(pid: number): boolean;
    /** Whether any of them is connected to a Unix socket. */
    holdConnection(): Promise<boolean>;
    /** Whether one of them holds the other end of a connection over TCP. */
    holdTcp(ends: TcpEnds): Promise<boolean>;
  };
  workspaces: {
    open(
      input: { path: string; env?: Environment | undefined },
      caller: Caller,
    ): Promise<{ workspace: Workspace; created: boolean }>;
    list(): Promise<Workspace[]>;
    get(wid: WorkspaceId): Promise<Workspace>;
    close(wid: WorkspaceId, caller: Caller): Workspace;
    /** Throws not_found for a client that is not attached. */
    showSession(wid: WorkspaceId, cid: string, sid: SessionId | null): Client;
  };
  sessions: {
    /**
     * Whether a session of that isolation, or of the default one, can work in the workspace. Throws
     * isolation_unavailable with the reason.
     */
    checkIsolation(wid: WorkspaceId, isolation: Isolation | undefined, caller: Caller): Promise<void>;
    /** The mode of a new session that names none. */
    defaultMode(wid: WorkspaceId, caller: Caller): PermissionMode;
    /** With a known `id`, returns that session. Throws session_id_conflict if it was created with other fields. */
    create(wid: WorkspaceId, fields: SessionFields, caller: Caller): Session;
    list(
      wid: WorkspaceId,
      page: {
        limit: number;
        before?: string | undefined;
        query?: string | undefined;
        archived?: boolean | undefined;
      },
    ): { sessions: Session[]; next_before: string | null };
    get(wid: WorkspaceId, sid: SessionId): Session;
    update(wid: WorkspaceId, sid: SessionId, changes: SessionChanges, caller: Caller): Session;
    remove(wid: WorkspaceId, sid: SessionId, options: { force: boolean }, caller: Caller): Promise<Session>;
    /** Copies the settled transcript up to `message_id` into a new session. `id` as for `create`. */
    fork(wid: WorkspaceId, sid: SessionId, options: ForkOptions): Promise<Forked>;
    messages(
      wid: WorkspaceId,
      sid: SessionId,
      page: { limit: number; before?: string | undefined },
    ): Promise<{ messages: Message[]; next_before: string | null }>;
    agentSessions(wid: WorkspaceId, sid: SessionId): AgentSession[];
  };
  /** Sessions of all workspaces with a text in them. */
  search(
    wanted: { query: string; limit: number; before?: string | undefined },
    signal: AbortSignal,
  ): Promise<{ sessions: FoundSession[]; next_before: string | null }>;
  /** Whole sessions into the store … */
  imports: Imports;
  /** … and out of it. */
  transfer: {
    exportPage(wid: WorkspaceId, sid: SessionId, after: number, limit: number): Promise<ExportPage>;
  };
  runs: {
    /** When it returns, prompt and run are synced to disk. */
    accept(wid: WorkspaceId, body: PromptBody, caller: Caller): PromptReply;
    cancel(
      wid: WorkspaceId,
      sid: SessionId,
      scope: CancelScope,
      caller: Caller,
    ): { canceled: RunId[]; held: RunId[] };
    list(wid: WorkspaceId, sid: SessionId, limit: number): Run[];
    get(wid: WorkspaceId, sid: SessionId, rid: RunId): Run;
    edit(
      wid: WorkspaceId,
      sid: SessionId,
      rid: RunId,
      changes: { prompt?: string | undefined; delivery?: Delivery | undefined },
    ): Run;
    withdraw(wid: WorkspaceId, sid: SessionId, rid: RunId, caller: Caller): Run;
    resume(wid: WorkspaceId, sid: SessionId): Run[];
  };
  /** Background commands of hearth's own agent. */
  jobs: {
    list(wid: WorkspaceId, sid: SessionId): Job[];
    /** Throws job_not_found, as `cancel` does. */
    output(
      wid: WorkspaceId,
      sid: SessionId,
      id: string,
      page: { offset: number; limit: number },
    ): RouteReply<"GET /v1/workspaces/{wid}/sessions/{sid}/jobs/{jid}/output">;
    cancel(wid: WorkspaceId, sid: SessionId, id: string): Promise<Job>;
  };
  /** Of hearth's own agent. */
  requests: {
    list(wid: WorkspaceId, sid: SessionId, rid: RunId): Promise<RequestMeta[]>;
    /** Throws not_found. */
    detail(wid: WorkspaceId, sid: SessionId, rid: RunId, n: number): Promise<RequestDetail>;
    context(wid: WorkspaceId, sid: SessionId): Promise<ContextFill>;
  };
  compactions: {
    /** Throws nothing_to_compact, compaction_unavailable. */
    compact(wid: WorkspaceId, sid: SessionId, options: CompactOptions, caller: Caller): PromptReply;
  };
  /** Throw session_busy, conflict (nothing has changed then), files_unavailable. */
  undo: {
    /** Throws nothing_to_undo, message_not_found. */
    undo(wid: WorkspaceId, sid: SessionId, body: UndoBody | undefined): Promise<Undone>;
    /** Throws nothing_to_redo. */
    redo(wid: WorkspaceId, sid: SessionId, body: RedoBody | undefined): Promise<Undone>;
    /** The newest `limit`, oldest first. */
    turns(wid: WorkspaceId, sid: SessionId, limit: number): UndoTurn[];
  };
  permissions: {
    list(wid: WorkspaceId): Permission[];
    answer(
      wid: WorkspaceId,
      pid: PermissionId,
      answer: PermissionAnswer,
      caller: Caller,
    ): Promise<Permission>;
    /** What was decided, with or without a question; newest first. */
    log(wid: WorkspaceId, limit: number): Permission[];
    /** Permissions granted for longer than one call, oldest first. */
    grants(wid: WorkspaceId): Promise<Grant[]>;
    /** Revokes grants; returns those that existed. */
    revoke(wid: WorkspaceId, ids: readonly number[]): Promise<Grant[]>;
  };
  /** What agents did in worktrees. Each of these throws change_not_found, change_decided, conflict; then nothing is written. */
  changes: {
    list(
      wid: WorkspaceId,
      filter: { session_id?: SessionId | undefined; state?: Change["state"] | undefined },
    ): Promise<{ changes: Change[]; unread: RunId[] }>;
    /** The folder that a session's agents work in. */
    rootOf(wid: WorkspaceId, sid: SessionId): string;
    /** Of a session's pending changes, for `git apply`. */
    patch(
      wid: WorkspaceId,
      sid: SessionId,
    ): Promise<{ patch: Buffer; base: string | null; note?: string | undefined }>;
    /** The file whole, as the agent left it. */
    text(
      wid: WorkspaceId,
      cid: ChangeId,
    ): Promise<{ text: string; reason: null } | { text: null; reason: string }>;
    applyOne(
      wid: WorkspaceId,
      cid: ChangeId,
      how: { hunks?: string[] | undefined; resolve?: Resolve | undefined },
    ): Promise<Change>;
    rejectOne(wid: WorkspaceId, cid: ChangeId, how: { hunks?: string[] | undefined }): Promise<Change>;
    revertOne(
      wid: WorkspaceId,
      cid: ChangeId,
      how: { hunks?: string[] | undefined; resolve?: Resolve | undefined },
    ): Promise<Change>;
    /** All of them, or none. They must be of one session. */
    apply(wid: WorkspaceId, ids: readonly ChangeId[], resolve?: Resolve): Promise<Change[]>;
    reject(wid: WorkspaceId, ids: readonly ChangeId[]): Promise<Change[]>;
    revert(wid: WorkspaceId, ids: readonly ChangeId[], resolve?: Resolve): Promise<Change[]>;
    /** Commits the worktree's state to its branch. Throws not_found without a worktree. */
    branch(
      wid: WorkspaceId,
      sid: SessionId,
      message?: string,
    ): Promise<{ branch: string; commit: string; path: string }>;
  };
  mcp: {
    list(wid: WorkspaceId): McpServer[];
    arguments(wid: WorkspaceId, command: string, typed: string, signal: AbortSignal): Promise<ArgumentValues>;
    /** Throws session_not_found. */
    give(wid: WorkspaceId, sid: SessionId, servers: readonly SessionMcpServer[]): void;
    /** Throws not_found. */
    test(wid: WorkspaceId, name: string): Promise<McpServer>;
    /** Throws not_found, invalid_request, mcp_login_failed. */
    beginLogin(wid: WorkspaceId, name: string, isDevice: boolean): Promise<McpLoginState>;
    /** Throws not_found where none was begun. */
    loginState(wid: WorkspaceId, name: string): Promise<McpLoginState>;
    logout(wid: WorkspaceId, name: string): Promise<{ removed: boolean }>;
  };
  trust: {
    /** What the project's own files would start; undefined where that is nothing. */
    of(wid: WorkspaceId): Trust | undefined;
    /** Throws trust_changed if `hash` is not that of what would run now. */
    give(wid: WorkspaceId, hash: string, caller: Caller): Trust;
    revoke(wid: WorkspaceId): Trust | undefined;
  };
  tasks: {
    /** When it returns, the task is synced to disk. With a known `id`, returns that task, or throws task_id_conflict. */
    create(body: TaskBody, caller: Caller): Promise<Task>;
    /** Newest first. */
    list(filter: {
      workspace_id?: WorkspaceId | undefined;
      group?: string | undefined;
      limit: number;
    }): Task[];
    /** Throws task_not_found. */
    get(id: TaskId): Task;
    /** Cancels what has not ended; with a session, only its entry. */
    cancel(id: TaskId, session_id?: SessionId): Task;
  };
  away(wid: WorkspaceId, caller: Caller): Away;
  usage(
    by: UsageBy,
    wid: WorkspaceId | undefined,
  ): Promise<{ by: UsageBy; rows: UsageRow[]; total: UsageRow }>;
  /** The agent named by `probe` is started and asked for its facts first. */
  agents: {
    list(wid: WorkspaceId, probe?: string | undefined): Promise<Agent[]>;
    /** Both throw not_found, invalid_request for hearth's own agent, and agent_unavailable. */
    logins(wid: WorkspaceId, name: string): Promise<AgentLogin[]>;
    login(wid: WorkspaceId, name: string, id: string): Promise<Agent>;
  };
  keys: {
    /** Tests the key and keeps it. Throws provider_auth, provider_unreachable, model_unavailable. */
    keep(
      wid: WorkspaceId,
      provider: string,
      key: string,
    ): Promise<RouteReply<"POST /v1/workspaces/{wid}/login">>;
    forget(wid: WorkspaceId, provider: string): Promise<RouteReply<"POST /v1/workspaces/{wid}/logout">>;
  };
  models: {
    list(wid: WorkspaceId): Promise<RouteReply<"GET /v1/workspaces/{wid}/models">>;
    /** Throws provider_unreachable if the list cannot be read. */
    refresh(wid: WorkspaceId): Promise<RouteReply<"POST /v1/workspaces/{wid}/models/refresh">>;
  };
  /** Paths relative to the workspace. */
  files(
    wid: WorkspaceId,
    asked: { query: string; limit: number; session_id?: SessionId | undefined },
    signal: AbortSignal,
  ): Promise<FoundFiles>;
  snapshot(
    wid: WorkspaceId,
    options: { session_id?: SessionId | undefined; limit: number },
  ): Promise<Snapshot>;
  events: {
    /** Whether the client attached to observe. */
    isObserver(clientId: string | null): boolean;
    /**
     * Attaches a client: publishes `client.attached`, replays the events after `since` (null: none), then sends new
     * ones. The returned function detaches; calling it twice is harmless. Throws workspace_not_found,
     * workspace_closing.
     */
    attach(wid: WorkspaceId, client: Client, since: number | null, subscriber: Subscriber): () => void;
  };
};
