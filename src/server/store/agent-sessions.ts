import type { Database } from "better-sqlite3";
import type { BackendKind } from "../../protocol/agent.ts";
import type { SessionId } from "../../protocol/ids.ts";

export type StoredAgentSession = {
  session_id: SessionId;
  agent: string;
  backend: BackendKind;
  agent_session_id: string | null;
  fingerprint: string | null;
  /** The seq of the last message that the agent knows. */
  seen_seq: number;
  input_tokens: number;
  output_tokens: number;
  cost: number;
  /** For an agent that reports a running total of its cost: how much of it is already counted. */
  reported_cost: number;
  last_active_at: string | null;
  /** Tokens used, size of the model's context window, and which model; null until known. */
  context_used: number | null;
  context_window: number | null;
  context_model: string | null;
};

/** A row without any facts. */
export const newAgentSession = (
  session_id: SessionId,
  agent: string,
  backend: BackendKind,
): StoredAgentSession => ({
  session_id,
  agent,
  backend,
  agent_session_id: null,
  fingerprint: null,
  seen_seq: 0,
  input_tokens: 0,
  output_tokens: 0,
  cost: 0,
  reported_cost: 0,
  last_active_at: null,
  context_used: null,
  context_window: null,
  context_model: null,
});

/** The only code that knows the table `agent_sessions`. */
export function createAgentSessionRows(db: Database) {
  const put = db.prepare(`
    INSERT INTO agent_sessions (session_id, agent, backend, agent_session_id, fingerprint, seen_seq, input_tokens,
      output_tokens, cost, reported_cost, last_active_at, context_used, context_window, context_model)
    VALUES (@session_id, @agent, @backend, @agent_session_id, @fingerprint, @seen_seq, @input_tokens,
      @output_tokens, @cost, @reported_cost, @last_active_at, @context_used, @context_window, @context_model)
    ON CONFLICT (session_id, agent) DO UPDATE SET backend = @backend, agent_session_id = @agent_session_id,
      fingerprint = @fingerprint, seen_seq = @seen_seq, input_tokens = @input_tokens,
      output_tokens = @output_tokens, cost = @cost, reported_cost = @reported_cost, last_active_at = @last_active_at,
      context_used = @context_used, context_window = @context_window, context_model = @context_model`);
  // `kept` is left out because it can be long.
  const columns = `SELECT session_id, agent, backend, agent_session_id, fingerprint, seen_seq, input_tokens,
    output_tokens, cost, reported_cost, last_active_at, context_used, context_window, context_model
    FROM agent_sessions`;
  const get = db.prepare<[string, string], StoredAgentSession>(
    `${columns} WHERE session_id = ? AND agent = ?`,
  );
  const list = db.prepare<[string], StoredAgentSession>(`${columns} WHERE session_id = ? ORDER BY agent`);
  const keep = db.prepare(`
    INSERT INTO agent_sessions (session_id, agent, backend, kept) VALUES (@session_id, @agent, @backend, @kept)
    ON CONFLICT (session_id, agent) DO UPDATE SET kept = @kept`);
  const kept = db.prepare<[string, string], { kept: string | null }>(
    "SELECT kept FROM agent_sessions WHERE session_id = ? AND agent = ?",
  );
  return {
    /** Stores the backend's own text. */
    keep: (row: { session_id: SessionId; agent: string; backend: BackendKind; kept: string }) =>
      void keep.run(row),
    kept: (sessionId: SessionId, agent: string): string | null => kept.get(sessionId, agent)?.kept ?? null,
    put: (row: StoredAgentSession) => void put.run(row),
    get: (sessionId: SessionId, agent: string) => get.get(sessionId, agent),
    list: (sessionId: SessionId) => list.all(sessionId),
  };
}
