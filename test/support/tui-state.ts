import { type Replica, replicaOf } from "../../src/client/replica.ts";
import type { Message } from "../../src/protocol/message.ts";
import type { Permission } from "../../src/protocol/permission.ts";
import type { Run } from "../../src/protocol/run.ts";
import type { Session } from "../../src/protocol/session.ts";
import { noUsage } from "../../src/protocol/usage.ts";
import { type AppState, initialState } from "../../src/tui/state/state.ts";

const TIME = "2026-01-01T00:00:00.000Z";
const id = <P extends string>(prefix: P, number: number): `${P}_${string}` =>
  `${prefix}_${String(number).padStart(32, "0")}`;

export const SESSION = id("ses", 1);

export const session = (fields: Partial<Session> = {}): Session => ({
  id: SESSION,
  workspace_id: id("ws", 1),
  title: "fix the cart",
  agent: "hearth",
  model: null,
  mode: "ask",
  agent_mode: null,
  isolation: "in_place",
  parent_id: null,
  archived: false,
  created_at: TIME,
  updated_at: TIME,
  state: "idle",
  queued: 0,
  pending_changes: 0,
  usage: noUsage,
  cost: 0,
  context: null,
  ...fields,
});

export const run = (number: number, fields: Partial<Run> = {}): Run => ({
  id: id("run", number),
  session_id: SESSION,
  agent: "hearth",
  model: null,
  state: "active",
  delivery: "queue",
  outcome: null,
  error: null,
  message_id: id("msg", number),
  accepted_at: TIME,
  started_at: TIME,
  completed_at: null,
  usage: noUsage,
  cost: 0,
  by: "me",
  canceled_by: null,
  ...fields,
});

export const prompt = (number: number, text: string): Message => ({
  id: id("msg", number),
  session_id: SESSION,
  run_id: id("run", number),
  seq: number,
  role: "user",
  agent: "hearth",
  model: null,
  parts: [{ id: id("prt", number), type: "text", text }],
  finish_reason: null,
  created_at: TIME,
  updated_at: TIME,
  completed_at: TIME,
});

export const permission = (number: number, fields: Partial<Permission> = {}): Permission => ({
  id: id("prm", number),
  session_id: SESSION,
  run_id: id("run", 1),
  tool_call_id: "call",
  agent: "hearth",
  kind: "execute",
  title: "npm test",
  detail: { type: "command", command: "npm test", cwd: "/project", reasons: [] },
  options: [
    { decision: "allow_once", label: "allow once", rules: [] },
    { decision: "allow_session", label: "allow this session", rules: ["bash(npm test)"] },
    { decision: "deny", label: "deny", rules: [] },
  ],
  asked_at: TIME,
  state: "open",
  decision: null,
  message: null,
  answered_by: null,
  answered_at: null,
  ...fields,
});

export const replica = (fields: Partial<Replica> = {}): Replica => ({
  ...replicaOf(
    {
      seq: 1,
      workspace: {
        id: id("ws", 1),
        path: "/project",
        state: "open",
        created_at: TIME,
        branch: "main",
      },
      clients: [],
      sessions: [session()],
      messages: [],
      runs: [],
      permissions: [],
      agents: [],
      agent_sessions: [],
      plans: [],
      jobs: [],
    },
    SESSION,
  ),
  ...fields,
});

/** A terminal that is connected and shows one session. */
export const connected = (fields: Partial<Replica> = {}, more: Partial<AppState> = {}): AppState => ({
  ...initialState({
    clientId: "me",
    size: { columns: 80, rows: 24 },
    now: 0,
    history: ["an old prompt"],
    defaults: {
      agent: undefined,
      model: undefined,
      mode: undefined,
      agent_mode: undefined,
      isolation: undefined,
      container: undefined,
    },
  }),
  link: { state: "connected" },
  replica: replica(fields),
  ...more,
});
