import type { RunId, SessionId, TaskId, WorkspaceId } from "../../protocol/ids.ts";
import type { PermissionMode } from "../../protocol/permission.ts";
import type { Outcome, RunError } from "../../protocol/run.ts";
import type { Isolation } from "../../protocol/session.ts";
import type { Task, TaskCheck, TaskEntry, TaskJudgement } from "../../protocol/task.ts";

/** What was asked for, as it is kept for a restart. */
export type TaskRequest = {
  prompt: string;
  isolation: Isolation;
  mode: PermissionMode;
  on_question: "wait" | "fail" | "deny";
  check: string | null;
  check_timeout_ms: number;
  judge: string | null;
  max_steps: number | null;
  max_cost: number | null;
  group: string | null;
  max_parallel: number | null;
  /** The engine that it runs on. Absent in tasks of an earlier hearth. */
  on?: string | null;
  /** The image of the container that its commands run in. */
  container?: string | undefined;
  env: Record<string, string>;
  by: string | null;
};

export type StoredTask = {
  id: TaskId;
  workspace_id: WorkspaceId;
  state: Task["state"];
  request: TaskRequest;
  request_hash: string;
  created_at: string;
  completed_at: string | null;
  /** A person has canceled it: nothing of it begins any more. */
  is_canceled: boolean;
  entries: readonly TaskEntry[];
  judge?: TaskJudgement | undefined;
};

/** How an entry's run ended, and what it left. */
export type EntryEnd = Pick<
  TaskEntry,
  "files" | "additions" | "deletions" | "tokens" | "cost" | "duration_ms"
> & {
  outcome: Outcome;
  error: RunError | null;
};

export type JudgeEnd = Pick<TaskJudgement, "ranking" | "error" | "cost">;

export type TaskEvent =
  | { type: "started"; entry: number; at: string }
  /** The daemon was killed before its run was accepted. */
  | { type: "not_started"; entry: number; at: string }
  /** Its run was cut off with the daemon, but its job on an engine goes on: a new run takes it up. */
  | { type: "resumed"; entry: number; run_id: RunId; at: string }
  | { type: "ran"; entry: number; end: EntryEnd; at: string }
  | { type: "checked"; entry: number; check: TaskCheck; at: string }
  /** The whole task, or the entries that are named. */
  | { type: "cancel_asked"; entries: readonly number[] | null; at: string }
  | { type: "judging"; session_id: SessionId; at: string }
  | { type: "judged"; end: JudgeEnd; at: string };

export type TaskEffect =
  | { do: "cancel_run"; entry: number }
  | { do: "check"; entry: number }
  | { do: "stop_check"; entry: number }
  | { do: "judge" }
  | { do: "stop_judge" };

export type TaskStep = { task: StoredTask; effects: readonly TaskEffect[] };

/** An answer that can be judged, even if it was cut off. */
const hasAnswered = (outcome: Outcome | null): boolean =>
  outcome === "end_turn" || outcome === "max_tokens" || outcome === "max_steps";

/** The entries among which a judge may choose. */
export const judgedEntries = (task: Pick<StoredTask, "entries">): number[] =>
  task.entries.flatMap(({ outcome }, index) => (hasAnswered(outcome) ? [index] : []));

/** What follows from an event. A late event changes nothing. */
export function stepTask(task: StoredTask, event: TaskEvent): TaskStep {
  switch (event.type) {
    case "started":
      return stepEntry(task, event, "queued", (entry) => ({
        ...entry,
        state: "running",
        started_at: event.at,
      }));
    case "not_started":
      return stepEntry(task, event, "running", (entry) => ({ ...entry, state: "queued", started_at: null }));
    case "resumed":
      return stepEntry(task, event, "running", (entry) => ({
        ...{ ...entry, state: "queued", run_id: event.run_id, doing: null },
      }));
    case "ran":
      return stepEntry(task, event, "running", (entry) => ran(task, entry, event.end));
    case "checked":
      return stepEntry(task, event, "checking", (entry) => ({
        ...entry,
        state: "completed",
        doing: null,
        check: event.check,
      }));
    case "cancel_asked":
      return cancel(task, event.entries, event.at);
    case "judging":
      return withJudge(task, ["waiting"], event.at, (judge) => ({
        ...judge,
        state: "running",
        session_id: event.session_id,
      }));
    case "judged":
      return withJudge(task, ["waiting", "running"], event.at, (judge) => ({
        ...judge,
        ...event.end,
        state: event.end.error === null ? "completed" : "failed",
      }));
  }
}

const stay = (task: StoredTask): TaskStep => ({ task, effects: [] });

function ran(task: StoredTask, entry: TaskEntry, end: EntryEnd): TaskEntry {
  const isChecked = task.request.check !== null && hasAnswered(end.outcome) && !task.is_canceled;
  return { ...entry, ...end, doing: null, state: isChecked ? "checking" : "completed" };
}

function stepEntry(
  task: StoredTask,
  { entry: index, at }: { entry: number; at: string },
  from: TaskEntry["state"],
  change: (entry: TaskEntry) => TaskEntry,
): TaskStep {
  const entry = task.entries[index];
  if (entry?.state !== from) return stay(task);
  const next = change(entry);
  const check: TaskEffect[] = next.state === "checking" ? [{ do: "check", entry: index }] : [];
  return settle({ ...task, entries: task.entries.with(index, next) }, check, at);
}

function cancel(task: StoredTask, chosen: readonly number[] | null, at: string): TaskStep {
  if (task.state === "completed") return stay(task);
  const effects: TaskEffect[] = [];
  const entries = task.entries.map((entry, index): TaskEntry => {
    if (chosen !== null && !chosen.includes(index)) return entry;
    if (entry.state === "queued") return { ...entry, state: "completed", outcome: "canceled" };
    if (entry.state === "running") effects.push({ do: "cancel_run", entry: index });
    if (entry.state === "checking") effects.push({ do: "stop_check", entry: index });
    return entry;
  });
  if (chosen === null && task.judge?.state === "running") effects.push({ do: "stop_judge" });
  return settle({ ...task, entries, is_canceled: task.is_canceled || chosen === null }, effects, at);
}

function withJudge(
  task: StoredTask,
  from: readonly TaskJudgement["state"][],
  at: string,
  change: (judge: TaskJudgement) => TaskJudgement,
): TaskStep {
  if (task.judge === undefined || !from.includes(task.judge.state)) return stay(task);
  return settle({ ...task, judge: change(task.judge) }, [], at);
}

/** The task's own state follows from its entries' and the judge's. */
function settle(task: StoredTask, effects: readonly TaskEffect[], at: string): TaskStep {
  if (task.entries.every(({ state }) => state === "queued"))
    return { task: { ...task, state: "queued" }, effects };
  if (task.entries.some(({ state }) => state !== "completed"))
    return { task: { ...task, state: "running" }, effects };
  const { judge } = task;
  if (judge?.state === "running") return { task: { ...task, state: "running" }, effects };
  if (judge?.state !== "waiting") return { task: { ...task, state: "completed", completed_at: at }, effects };
  const error = whyNotJudged(task);
  if (error === null) return { task: { ...task, state: "running" }, effects: [...effects, { do: "judge" }] };
  const failed: TaskJudgement = { ...judge, state: "failed", error };
  return { task: { ...task, judge: failed, state: "completed", completed_at: at }, effects };
}

function whyNotJudged(task: StoredTask): string | null {
  if (task.is_canceled) return "The task was canceled.";
  return judgedEntries(task).length < 2
    ? "Fewer than two agents came to an end, so there was nothing to compare."
    : null;
}

/** Others queue on their engine. */
const isHere = ({ request }: StoredTask): boolean => request.on == null;

/** The entries that may start now, oldest task first. `parallelMax`: of all tasks of this machine together. */
export function startable(
  tasks: readonly StoredTask[],
  parallelMax: number,
): { task: StoredTask; entry: number }[] {
  const keyOf = ({ id, request }: StoredTask) => request.group ?? id;
  const isBusy = ({ state }: TaskEntry) => state === "running" || state === "checking";
  const busy = new Map<string, number>();
  let all = 0;
  for (const task of tasks) {
    const count = task.entries.filter(isBusy).length;
    busy.set(keyOf(task), (busy.get(keyOf(task)) ?? 0) + count);
    if (isHere(task)) all += count;
  }
  return tasks.flatMap((task) =>
    task.entries.flatMap(({ state }, entry) => {
      const own = busy.get(keyOf(task)) ?? 0;
      const isOver =
        (isHere(task) && all >= parallelMax) ||
        own >= (task.request.max_parallel ?? Number.POSITIVE_INFINITY);
      if (state !== "queued" || task.is_canceled || isOver) return [];
      busy.set(keyOf(task), own + 1);
      if (isHere(task)) all += 1;
      return [{ task, entry }];
    }),
  );
}

/** As clients see it. */
export const publicTask = (task: StoredTask): Task => ({
  id: task.id,
  state: task.state,
  prompt: task.request.prompt,
  isolation: task.request.isolation,
  group: task.request.group,
  on: task.request.on ?? null,
  created_at: task.created_at,
  completed_at: task.completed_at,
  cost: task.entries.reduce((sum, { cost }) => sum + cost, task.judge?.cost ?? 0),
  entries: [...task.entries],
  ...(task.judge === undefined ? {} : { judge: task.judge }),
});
