import { z } from "zod";
import { isolations } from "./choices.ts";
import { RunId, SessionId, TaskId, WorkspaceId } from "./ids.ts";
import { PermissionMode } from "./permission.ts";
import { Time } from "./time.ts";
import { Cost, Usage } from "./usage.ts";

/** The name of a container image, as podman and docker take it. */
export const ContainerImage = z
  .string()
  .max(500)
  .regex(/^[a-zA-Z0-9][\w./:@-]*$/, "must be the name of an image, such as docker.io/library/node:22");

/** Where an agent's edits go. */
export const Isolation = z.enum(isolations);
export type Isolation = z.infer<typeof Isolation>;

export const subagentKinds = ["explore", "general"] as const;
export type SubagentKind = (typeof subagentKinds)[number];

export const Session = z.object({
  id: SessionId,
  workspace_id: WorkspaceId,
  title: z.string(),
  agent: z.string(),
  model: z.string().nullable(),
  mode: PermissionMode,
  /** A mode of its agent (`agent.modes`) for its next turns; null: the agent's mode that asks. */
  agent_mode: z.string().nullable(),
  isolation: Isolation,
  /** The session that it was forked from, or whose agent started it. */
  parent_id: SessionId.nullable(),
  /** Set for a sub-agent: a session that the agent of its parent started, in that run. */
  subagent: z
    .object({
      kind: z.enum(subagentKinds),
      run_id: RunId,
      /** The definition that it works by. */
      name: z.string().optional(),
      /** The only tools that it may use. */
      tools: z.array(z.string()).optional(),
    })
    .optional(),
  /** The image of the container that its commands run in; absent: they run on this machine. */
  container: z.string().optional(),
  /** Set for a task's session: it is archived from the start, so that it is in no list of sessions in use. */
  task_id: TaskId.optional(),
  archived: z.boolean(),
  created_at: Time,
  updated_at: Time,
  /** `waiting`: its run waits for a person's answer. */
  state: z.enum(["idle", "running", "waiting"]),
  /** Prompts queued or held behind the running one. */
  queued: z.int(),
  usage: Usage,
  cost: Cost,
  /** Files changed in its worktree that wait to be applied or rejected. */
  pending_changes: z.int(),
  /** Tokens in its agent's conversation and the size of its model's window; null until both are known. */
  context: z.object({ used: z.int(), window: z.int() }).nullable(),
});
export type Session = z.infer<typeof Session>;

/** The files that a fork was given, in a worktree of its own. */
export const ForkedFiles = z.object({
  /** `nearest`: that turn changed no files, so these are the closest recorded ones. `present`: those of now. */
  state: z.enum(["recorded", "nearest", "present"]),
  /** One sentence for a person, where the files may not be what is expected. */
  note: z.string().nullable(),
  left_out: z.array(z.object({ path: z.string(), reason: z.string() })),
});
export type ForkedFiles = z.infer<typeof ForkedFiles>;
