import { z } from "zod";
import { SessionId, TaskId, WorkspaceId } from "../ids.ts";
import { Launcher } from "../launcher.ts";
import { PermissionMode } from "../permission.ts";
import { ContainerImage, Isolation } from "../session.ts";
import { Task } from "../task.ts";
import { Environment } from "../workspace.ts";
import { by, byClient, count, ofWorkspace, route } from "./shared.ts";

const ofTask = z.object({ tid: TaskId });

export const TaskBody = z.object({
  /** The directory to work in; its workspace is opened. */
  path: z.string().min(1),
  prompt: z.string(),
  /** An agent's name, or `name@model`; the same one several times with different models, too. By default a new session's. */
  agents: z.array(z.string().min(1).max(500)).min(1).max(16).optional(),
  /** A worktree each, unless said otherwise. */
  isolation: Isolation.optional(),
  /** Its commands run in a container of this image. */
  container: ContainerImage.optional(),
  /** A client may choose the new task's id: a repeated request then creates only one task. */
  id: TaskId.optional(),
  /** A shell command that judges each entry's files after its run. */
  check: z.string().max(100_000).regex(/\S/, "must say what to run").optional(),
  check_timeout_ms: z.int().min(1).max(86_400_000).optional(),
  /** A model that ranks the entries when all have ended. */
  judge: z.string().min(1).max(500).optional(),
  mode: PermissionMode.optional(),
  on_question: z.enum(["wait", "fail", "deny"]).optional(),
  max_steps: z.int().min(1).max(10_000).optional(),
  /** USD that each entry may cost. */
  max_cost: z.number().positive().optional(),
  /** Tasks that belong together, and how many of their entries may run side by side. */
  group: z.string().min(1).max(200).optional(),
  max_parallel: z.int().min(1).max(1000).optional(),
  /** An engine to run on: one of the configuration's launchers, `ssh:HOST`, `slurm` or `kubernetes`. */
  on: z.string().min(1).max(200).optional(),
  env: Environment.optional(),
});

export type TaskBody = z.infer<typeof TaskBody>;

const OneTask = z.object({ task: Task });

export const taskRoutes = {
  "POST /v1/tasks": route({
    summary: "Give a prompt to one agent or several, each in a session of its own",
    query: byClient,
    body: TaskBody,
    replies: { 202: OneTask },
  }),
  "GET /v1/workspaces/{wid}/engines": route({
    summary: "The engines of the configuration, and how tasks are carried to them",
    params: ofWorkspace,
    query: byClient,
    replies: { 200: z.object({ engines: z.record(z.string(), Launcher) }) },
  }),
  "GET /v1/tasks": route({
    summary: "Tasks, the newest first",
    query: z.object({
      ...by,
      workspace_id: WorkspaceId.optional(),
      group: z.string().max(200).optional(),
      limit: count(50, 1000),
    }),
    replies: { 200: z.object({ tasks: z.array(Task) }) },
  }),
  "GET /v1/tasks/{tid}": route({
    summary: "Read one task",
    params: ofTask,
    query: byClient,
    replies: { 200: OneTask },
  }),
  "POST /v1/tasks/{tid}/cancel": route({
    summary: "Cancel what has not ended of a task, or only the entry of one session",
    params: ofTask,
    query: byClient,
    body: z.object({ session_id: SessionId.optional() }).optional(),
    replies: { 200: OneTask },
  }),
} as const;
