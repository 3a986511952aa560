import { createHash } from "node:crypto";
import { HearthError } from "../../protocol/errors.ts";
import type { NewId, WorkspaceId } from "../../protocol/ids.ts";
import { builtinEngines, type Launcher, launcherOf } from "../../protocol/launcher.ts";
import { changedModel } from "../../protocol/model-effort.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { TaskBody } from "../../protocol/routes/tasks.ts";
import type { TaskEntry } from "../../protocol/task.ts";
import { noUsage } from "../../protocol/usage.ts";
import type { Environment } from "../../protocol/workspace.ts";
import type { Caller } from "../services.ts";
import type { StoredSession } from "../store/sessions.ts";
import { titleOf } from "../title.ts";
import { parseAgentChoice } from "./agent-choice.ts";
import type { StoredTask, TaskRequest } from "./state.ts";

const CHECK_MS = 10 * 60_000;

export type NewTaskDeps = {
  /** Throws invalid_request naming the field. */
  mustBeAgent(wid: WorkspaceId, name: string): void;
  /** Of a new session. */
  defaultAgent(wid: WorkspaceId, caller: Caller): string;
  defaultMode(wid: WorkspaceId, caller: Caller): PermissionMode;
  envOf(wid: WorkspaceId, caller: Caller, env: Environment | undefined): Record<string, string>;
  /** For runs that nobody watches; null: none. */
  stepsMax(wid: WorkspaceId): number | null;
  /** The launchers of the configuration, by name. */
  engines(wid: WorkspaceId): Readonly<Record<string, Launcher>>;
  newId: NewId;
  now: () => Date;
};

/** One id, one request. */
export const hashOfRequest = ({ id: _, ...rest }: TaskBody): string =>
  createHash("sha256").update(JSON.stringify(rest)).digest("hex");

/** The task that a request asks for. Throws invalid_request. */
export function newTask(deps: NewTaskDeps, wid: WorkspaceId, body: TaskBody, caller: Caller): StoredTask {
  const request = requestOf(deps, wid, body, caller);
  const choices = choicesOf(deps, wid, body, caller);
  return {
    ...{ id: body.id ?? deps.newId("tsk"), workspace_id: wid, state: "queued", request },
    ...{ request_hash: hashOfRequest(body), created_at: deps.now().toISOString(), completed_at: null },
    is_canceled: false,
    entries: choices.map((choice) => newEntry(deps, wid, choice)),
    ...(request.judge !== null && {
      judge: {
        ...{ model: request.judge, state: "waiting", session_id: null, ranking: [], error: null, cost: 0 },
      },
    }),
  };
}

function requestOf(deps: NewTaskDeps, wid: WorkspaceId, body: TaskBody, caller: Caller): TaskRequest {
  const on_question = body.on_question ?? "fail";
  return {
    prompt: body.prompt,
    isolation: body.isolation ?? "worktree",
    mode: body.mode ?? deps.defaultMode(wid, caller),
    on_question,
    check: body.check ?? null,
    check_timeout_ms: body.check_timeout_ms ?? CHECK_MS,
    judge: body.judge ?? null,
    max_steps: body.max_steps ?? (on_question === "wait" ? null : deps.stepsMax(wid)),
    max_cost: body.max_cost ?? null,
    group: body.group ?? null,
    max_parallel: body.max_parallel ?? null,
    on: engineOf(deps, wid, body),
    container: body.container,
    env: deps.envOf(wid, caller, body.env),
    by: caller,
  };
}

function engineOf(
  { engines }: NewTaskDeps,
  wid: WorkspaceId,
  { on, isolation, container }: TaskBody,
): string | null {
  if (on === undefined) return null;
  const refuse = (field: string, why: string) =>
    new HearthError("invalid_request", `${field}: ${why}`, { details: { field } });
  const configured = engines(wid);
  if (launcherOf(on, configured) === undefined) {
    const known = [...Object.keys(configured), ...builtinEngines].join(", ");
    throw refuse("on", `there is no engine "${on}"; there are ${known}.`);
  }
  if (isolation === "in_place") throw refuse("isolation", "what an engine brings back needs a worktree.");
  if (container !== undefined)
    throw refuse("container", "an engine's jobs run where its launcher puts them; leave out one of the two.");
  return on;
}

function choicesOf(deps: NewTaskDeps, wid: WorkspaceId, body: TaskBody, caller: Caller) {
  const isAgent = (name: string): boolean => {
    try {
      deps.mustBeAgent(wid, name);
      return true;
    } catch {
      return false; // said below, by the whole name
    }
  };
  return (body.agents ?? [deps.defaultAgent(wid, caller)]).map((text) => {
    const choice = parseAgentChoice(text, isAgent);
    deps.mustBeAgent(wid, choice.agent);
    return choice;
  });
}

const newEntry = (
  deps: NewTaskDeps,
  wid: WorkspaceId,
  { agent, model }: { agent: string; model: string | null },
): TaskEntry => ({
  ...{ agent, model, workspace_id: wid, session_id: deps.newId("ses"), run_id: deps.newId("run") },
  ...{ state: "queued", outcome: null, error: null, files: 0, additions: 0, deletions: 0 },
  ...{ tokens: 0, cost: 0, started_at: null, duration_ms: 0, doing: null },
});

/** An entry's session. Archived from the start: it is its task's, and in no list of sessions in use. */
export const sessionOf = (task: StoredTask, { session_id, agent, model }: TaskEntry): StoredSession => ({
  ...{ id: session_id, workspace_id: task.workspace_id, title: titleOf(task.request.prompt), agent },
  ...{ model: changedModel(null, model), mode: task.request.mode, agent_mode: null },
  ...{ isolation: task.request.isolation, parent_id: null, task_id: task.id, archived: true },
  container: task.request.container,
  ...{ created_at: task.created_at, updated_at: task.created_at, usage: noUsage, cost: 0 },
});
