import { z } from "zod";
import { SessionId } from "./ids.ts";
import { Time } from "./time.ts";
import { Cost } from "./usage.ts";

export const BackendKind = z.enum(["native", "acp", "opencode", "engine"]);
export type BackendKind = z.infer<typeof BackendKind>;

export const AgentStatus = z.enum(["ready", "not_installed", "needs_login", "disabled", "error"]);
export type AgentStatus = z.infer<typeof AgentStatus>;

export const AgentModel = z.object({
  id: z.string(),
  name: z.string(),
  context_window: z.int().nullable(),
  /** The reasoning efforts it supports, from little to much: `model@effort`. */
  efforts: z.array(z.string()).optional(),
});
export const AgentMode = z.object({ id: z.string(), name: z.string() });
export const AgentCommand = z.object({ name: z.string(), description: z.string() });

/** A configured backend and whether it can be used now. */
export const Agent = z.object({
  name: z.string(),
  backend: BackendKind,
  status: AgentStatus,
  /** Why it is not ready, one sentence; null when it is. */
  reason: z.string().nullable(),
  /** The command that fixes it. */
  fix: z.string().nullable(),
  /** What a person should know although it is ready, one sentence: it works otherwise than they asked for. */
  notice: z.string().optional(),
  version: z.string().nullable(),
  /** The default model. */
  model: z.string().nullable(),
  models: z.array(AgentModel),
  /** Providers whose models are all in `models`: no other model name of theirs works. */
  closed_providers: z.array(z.string()).optional(),
  modes: z.array(AgentMode),
  commands: z.array(AgentCommand),
  /** Sub-agents that a person or the project has defined. */
  subagents: z.array(AgentCommand).optional(),
});
export type Agent = z.infer<typeof Agent>;
export type AgentModel = z.infer<typeof AgentModel>;
export type AgentMode = z.infer<typeof AgentMode>;
export type AgentCommand = z.infer<typeof AgentCommand>;

/** A way to log in to an agent. */
export const AgentLogin = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string().nullable(),
  /** What a person runs in their terminal: the program, its arguments, and variables beside their own. Null: the agent does it. */
  terminal: z
    .object({ command: z.array(z.string()).min(1), env: z.record(z.string(), z.string()) })
    .nullable(),
});
export type AgentLogin = z.infer<typeof AgentLogin>;

/** A session's conversation inside one backend. */
export const AgentSession = z.object({
  session_id: SessionId,
  agent: z.string(),
  backend: BackendKind,
  status: z.enum(["cold", "warm", "running", "crashed", "error"]),
  has_session: z.boolean(),
  input_tokens: z.int(),
  output_tokens: z.int(),
  cost: Cost,
  last_active_at: Time.nullable(),
});
export type AgentSession = z.infer<typeof AgentSession>;
