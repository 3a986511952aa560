import type { AgentSessionEvent, Backend, Remembered } from "../agent/backend.ts";
import type { Agent, AgentSession } from "../protocol/agent.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { Journal } from "./journal.ts";
import type { Store } from "./store/open.ts";

/** One configured agent: how to run it, and how to find out whether it can be run. */
export type AgentSource = {
  backend: Backend;
  describe(wid: WorkspaceId): Promise<Agent>;
};

type AgentsDeps = {
  store: Store;
  journal: Journal;
  /** The agents of a workspace by name, as its configuration has them now. Throws config_invalid. */
  sources(wid: WorkspaceId): ReadonlyMap<string, AgentSource>;
  /** What of the agent is running or kept warm for the session. */
  warmth(sid: SessionId, agent: string): "running" | "warm" | null;
  now: () => Date;
};

export type Agents = ReturnType<typeof createAgents>;

/** The registry of agents, and what each remembers of a session. */
export function createAgents({ store, journal, sources, warmth }: AgentsDeps) {
  const seen = new Map<WorkspaceId, Agent[]>();
  const crashed = new Set<string>();

  function sourceOf(wid: WorkspaceId, name: string): AgentSource {
    const all = sources(wid);
    const source = all.get(name);
    if (source) return source;
    throw new HearthError(
      "invalid_request",
      `agent: there is no agent named "${name}"; there are ${[...all.keys()].join(", ")}.`,
      { details: { field: "agent" } },
    );
  }

  return {
    backend: (wid: WorkspaceId, name: string): Backend => sourceOf(wid, name).backend,
    isNative: (wid: WorkspaceId, name: string): boolean => sources(wid).get(name)?.backend.kind === "native",
    /** Throws invalid_request naming the field. */
    mustExist: (wid: WorkspaceId, name: string) => void sourceOf(wid, name),

    /** As they are now; what has changed since the last look is told. */
    async list(wid: WorkspaceId): Promise<Agent[]> {
      const all = await Promise.all([...sources(wid).values()].map((source) => source.describe(wid)));
      const before = new Map(seen.get(wid)?.map((agent) => [agent.name, JSON.stringify(agent)]));
      const changed = all.filter((agent) => before.get(agent.name) !== JSON.stringify(agent));
      seen.set(wid, all);
      if (before.size > 0 && changed.length > 0) {
        journal.commit(wid, "relaxed", (tx) => {
          for (const agent of changed) tx.publish({ type: "agent.updated", payload: { agent } });
        });
      }
      return all;
    },
    /** As they were when they were last looked at. */
    lastSeen: (wid: WorkspaceId): Agent[] => seen.get(wid) ?? [],

    /** An agent's own id for the conversation, to go back to it later. */
    remember(sid: SessionId, agent: string, value: Remembered) {
      const row = store.agentSessions.get(sid, agent);
      const backend = backendOf(sid, agent);
      store.transaction("relaxed", () =>
        store.agentSessions.put({
          session_id: sid,
          agent,
          backend,
          seen_seq: 0,
          input_tokens: 0,
          output_tokens: 0,
          cost: 0,
          last_active_at: null,
          ...row,
          ...value,
        }),
      );
    },

    /** What a backend says of a session outside its turns. */
    heard(wid: WorkspaceId, sid: SessionId, agent: string, event: AgentSessionEvent) {
      if (event.type === "crashed") crashed.add(`${sid} ${agent}`);
      this.tellSession(wid, sid, agent);
    },

    /** Tells how warm the agent is for the session now. */
    tellSession(wid: WorkspaceId, sid: SessionId, agent: string) {
      const agentSession = this.ofSession(sid).find((entry) => entry.agent === agent);
      if (agentSession === undefined) return;
      journal.commit(wid, "relaxed", (tx) =>
        tx.publish({
          type: "agent_session.updated",
          session_id: sid,
          payload: { agent_session: agentSession },
        }),
      );
    },

    ofSession: (sid: SessionId): AgentSession[] =>
      store.agentSessions.list(sid).map((row) => ({
        session_id: sid,
        agent: row.agent,
        backend: row.backend,
        status: warmth(sid, row.agent) ?? (crashed.has(`${sid} ${row.agent}`) ? "crashed" : "cold"),
        has_session: row.agent_session_id !== null || row.backend === "native",
        input_tokens: row.input_tokens,
        output_tokens: row.output_tokens,
        cost: row.cost,
        last_active_at: row.last_active_at,
      })),
  };

  function backendOf(sid: SessionId, agent: string) {
    const session = store.sessions.get(sid);
    const source = session && sources(session.workspace_id).get(agent);
    return source?.backend.kind ?? "native";
  }
}
