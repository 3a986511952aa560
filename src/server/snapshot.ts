import { publicRun } from "../agent/run-record.ts";
import type { Agents } from "./agents.ts";
import type { Coordinators } from "./coordinators.ts";
import type { EventHub } from "./event-hub.ts";
import { type Journal, publicMessage } from "./journal.ts";
import type { Permissions } from "./permissions.ts";
import type { Services } from "./services.ts";
import type { Sessions } from "./sessions.ts";
import type { Store } from "./store/open.ts";
import type { Workspaces } from "./workspaces.ts";

const SESSIONS_MAX = 100;

type SnapshotDeps = {
  store: Store;
  hub: EventHub;
  journal: Journal;
  workspaces: Workspaces;
  sessions: Sessions;
  coordinators: Coordinators;
  permissions: Permissions;
  agents: Agents;
};

/** Everything in one turn of the event loop: what it shows is true of its `seq`, with nothing told in between. */
export const createSnapshot =
  ({ store, hub, journal, ...parts }: SnapshotDeps): Services["snapshot"] =>
  (wid, { session_id, limit }) => {
    const { workspaces, sessions, coordinators, permissions, agents } = parts;
    const workspace = workspaces.presentAndTold(wid);
    const session = session_id && sessions.storedOf(wid, session_id);
    coordinators.tellNow();
    journal.flush(wid);
    const listed = sessions.services.list(wid, { limit: SESSIONS_MAX }).sessions;
    const entries = session ? store.sessions.plan(session.id) : [];
    return {
      seq: hub.seq(wid),
      workspace,
      clients: hub.clients(wid),
      sessions:
        session && !listed.some(({ id }) => id === session.id)
          ? [...listed, sessions.present(session)]
          : listed,
      messages: session
        ? store.messages.page(session.id, Number.MAX_SAFE_INTEGER, limit).map(publicMessage)
        : [],
      runs: coordinators
        .ofWorkspace(wid)
        .flatMap(([, coordinator]) => coordinator.unfinished())
        .map(publicRun),
      permissions: permissions.list(wid),
      agents: agents.lastSeen(wid),
      agent_sessions: session ? agents.ofSession(session.id) : [],
      plans: session && entries.length > 0 ? [{ session_id: session.id, entries }] : [],
    };
  };
