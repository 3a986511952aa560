import type { Connection } from "../../client/connect.ts";
import { HearthError } from "../../protocol/errors.ts";
import type { RunId, SessionId, TaskId, WorkspaceId } from "../../protocol/ids.ts";
import { messageText } from "../../protocol/message-text.ts";
import type { Permission } from "../../protocol/permission.ts";
import type { Session } from "../../protocol/session.ts";
import type { TaskEntry } from "../../protocol/task.ts";
import { entryName, entryStateText } from "../../protocol/task-text.ts";
import type { Standing } from "./follow.ts";
import type { Place } from "./places.ts";
import { questionView } from "./question-view.ts";
import type { Desk } from "./tool.ts";
import { entryView, type SessionView, shortAnswer, type TaskView } from "./views.ts";

/** What a task looks like now. Throws task_not_found. */
export async function readTask(tid: TaskId, { connection }: Place, desk: Desk): Promise<Standing<TaskView>> {
  const { task } = await connection.request("GET /v1/tasks/{tid}", { params: { tid } });
  const sessions = new Set(task.entries.map(({ session_id }) => session_id));
  const wid = task.entries[0]?.workspace_id ?? connection.workspace.id;
  const questions = task.state === "completed" ? [] : await questionsOf(connection, wid, sessions);
  const entries = await Promise.all(
    task.entries.map(async (entry) => entryView(entry, await answerOfEntry(connection, entry))),
  );
  const view: TaskView = {
    task_id: task.id,
    state: questions.length > 0 ? "waiting" : task.state,
    prompt: task.prompt,
    path: connection.workspace.path,
    isolation: task.isolation,
    cost: task.cost,
    entries,
    questions: questions.map((permission) => questionView(permission, desk.mayAgentAllow)),
  };
  const progress = task.entries
    .map((entry) => `${entryName(entry)}: ${entry.doing ?? entryStateText(entry)}`)
    .join(", ");
  return { view, isOver: task.state === "completed", questions, progress };
}

async function answerOfEntry(connection: Connection, entry: TaskEntry): Promise<string> {
  if (entry.state !== "completed") return "";
  const { workspace_id: wid, session_id: sid, run_id } = entry;
  // A session that was discarded since has no words left.
  return lastWords(connection, wid, sid, run_id).catch(orNone(""));
}

const orNone =
  <T>(none: T) =>
  (error: unknown): T => {
    if (error instanceof HearthError && error.code === "session_not_found") return none;
    throw error;
  };

async function lastWords(connection: Connection, wid: WorkspaceId, sid: SessionId, rid: RunId) {
  const params = { wid, sid };
  const page = await connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/messages", { params });
  const last = page.messages.findLast(({ run_id, role }) => run_id === rid && role === "assistant");
  return last === undefined ? "" : messageText(last);
}

/** What a session looks like now. `isOver` is about the run, by default the last one. Throws session_not_found. */
export async function readSession(
  sid: SessionId,
  { connection }: Place,
  desk: Desk,
  rid?: RunId,
): Promise<Standing<SessionView>> {
  const wid = connection.workspace.id;
  const params = { wid, sid };
  const [{ session }, { runs }, questions] = await Promise.all([
    connection.request("GET /v1/workspaces/{wid}/sessions/{sid}", { params }),
    connection.request("GET /v1/workspaces/{wid}/sessions/{sid}/runs", { params }),
    questionsOf(connection, wid, new Set([sid])),
  ]);
  const run = rid === undefined ? runs.at(-1) : runs.find(({ id }) => id === rid);
  // Of the runs: the session was read at another moment, and settles a little after its run has ended.
  const isWorking = runs.some(({ state }) => state === "active" || state === "accepted");
  const state = questions.length > 0 ? "waiting" : isWorking ? "running" : "idle";
  const view: SessionView = {
    session_id: sid,
    title: session.title,
    agent: session.agent,
    model: session.model,
    mode: session.mode,
    isolation: session.isolation,
    path: connection.workspace.path,
    state,
    run_id: run?.id ?? null,
    outcome: run?.outcome ?? null,
    error: run?.error ? { code: run.error.code, message: run.error.message } : null,
    queued: session.queued,
    pending_changes: session.pending_changes,
    cost: session.cost,
    answer: run === undefined ? "" : shortAnswer(await lastWords(connection, wid, sid, run.id)),
    questions: questions.map((permission) => questionView(permission, desk.mayAgentAllow)),
  };
  const isOver = run === undefined || run.state === "completed";
  return { view, isOver, questions, progress: `${session.agent}: ${isOver ? "done" : state}` };
}

/** Open questions of these sessions, and of the sub-agents that they have started. */
async function questionsOf(
  { request }: Connection,
  wid: WorkspaceId,
  sessions: ReadonlySet<SessionId>,
): Promise<Permission[]> {
  const { permissions } = await request("GET /v1/workspaces/{wid}/permissions", { params: { wid } });
  const theirs: Permission[] = [];
  for (const permission of permissions) {
    const sid = permission.session_id;
    const session: Pick<Session, "parent_id" | "subagent"> | null = sessions.has(sid)
      ? null
      : await request("GET /v1/workspaces/{wid}/sessions/{sid}", { params: { wid, sid } })
          .then((reply) => reply.session)
          .catch(orNone(null));
    const parent = session?.subagent === undefined ? null : session.parent_id;
    if (sessions.has(sid) || (parent !== null && sessions.has(parent))) theirs.push(permission);
  }
  return theirs;
}
