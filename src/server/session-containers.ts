import type { SessionContainer } from "../agent/backend.ts";
import type { ContainerSettings, Containers } from "../agent/container/containers.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { Store } from "./store/open.ts";

type SessionContainersDeps = {
  store: Pick<Store, "sessions">;
  containers: Containers;
  settingsOf(wid: WorkspaceId): ContainerSettings;
  envOf(wid: WorkspaceId): Readonly<Record<string, string>>;
};

export type SessionContainers = ReturnType<typeof createSessionContainers>;

/** The containers of sessions that have one. */
export function createSessionContainers({ store, containers, settingsOf, envOf }: SessionContainersDeps) {
  /** Where the session's commands run, if not on this machine. */
  function of(sid: SessionId): SessionContainer | undefined {
    const session = store.sessions.get(sid);
    if (session?.container === undefined) return undefined;
    const isChild = session.subagent !== undefined && session.parent_id !== null;
    return (
      (isChild && session.parent_id !== null && of(session.parent_id)) || {
        of: sid,
        image: session.container,
      }
    );
  }

  return {
    of,
    /** Before a run: starts the session's container unless it runs. Throws container_unavailable. */
    async ready(wid: WorkspaceId, sid: SessionId, root: string, signal: AbortSignal): Promise<void> {
      const container = of(sid);
      if (container === undefined) return;
      const request = { image: container.image, root, settings: settingsOf(wid), env: envOf(wid) };
      await containers.ready(container.of, request, signal);
    },
    /** The session is not in use: its container ends, unless a command still runs in it. */
    rest: (sid: SessionId): Promise<void> => containers.end(sid, true),
    /** The session was deleted. */
    end: (sid: SessionId): Promise<void> => containers.end(sid),
  };
}
