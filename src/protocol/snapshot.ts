import { z } from "zod";
import { Agent, AgentSession } from "./agent.ts";
import { Message } from "./message.ts";
import { Permission } from "./permission.ts";
import { Plan } from "./plan.ts";
import { Run } from "./run.ts";
import { Session } from "./session.ts";
import { Client, Workspace } from "./workspace.ts";

/** What a client needs to draw, and the `seq` it is true of: this plus the events after it is the present. */
export const Snapshot = z.object({
  seq: z.int(),
  workspace: Workspace,
  clients: z.array(Client),
  /** Not archived, most recently used first; and the one of `session_id`, whatever it is. */
  sessions: z.array(Session),
  /** The newest page of `session_id`, oldest first; empty when no session was asked for. */
  messages: z.array(Message),
  /** Unfinished, held included, in the order they were accepted. */
  runs: z.array(Run),
  /** Open. */
  permissions: z.array(Permission),
  agents: z.array(Agent),
  agent_sessions: z.array(AgentSession),
  /** What the agent of `session_id` means to do, where it has said so. */
  plans: z.array(Plan),
});
export type Snapshot = z.infer<typeof Snapshot>;
