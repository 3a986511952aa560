import type { SessionContainer } from "../agent/backend.ts";
import type { Containers } from "../agent/container/containers.ts";
import type { Config } from "../protocol/config.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { Store } from "./store/open.ts";

type SessionContainersDeps = {
  store: Pick<Store, "sessions">;
  containers: Containers;
  settingsOf(wid: WorkspaceId): NonNullable<Config["containers"]>;
  /** A variable of the client's terminal. */
  lookUp(wid: WorkspaceId, name: string): string | undefined;
  envOf(wid: WorkspaceId): Readonly<Record<string, string>>;
};

export type SessionContainers = ReturnType<typeof createSessionContainers>;

/** The containers of sessions that have one. */
export function createSessionContainers(deps: SessionContainersDeps) {
  const { store, containers } = deps;

  /** Where the session's commands run, if not on this machine. */
  function of(sid: SessionId): SessionContainer | undefined {
    const session = store.sessions.get(sid);
    if (session?.container === undefined) return undefined;
    const parent = session.subagent === undefined ? null : session.parent_id;
    return (parent === null ? undefined : of(parent)) ?? { of: sid, image: session.container };
  }

  function variablesOf(wid: WorkspaceId, configured: Readonly<Record<string, string>>) {
    const reference = /^env:/;
    return Object.fromEntries(
      Object.entries(configured).flatMap(([name, value]) => {
        const known = reference.test(value) ? deps.lookUp(wid, value.replace(reference, "")) : value;
        return known === undefined ? [] : [[name, known]];
      }),
    );
  }

  return {
    of,
    /** Before a run: starts the session's container unless it runs. Throws container_unavailable. */
    async ready(wid: WorkspaceId, sid: SessionId, root: string, signal: AbortSignal): Promise<void> {
      const container = of(sid);
      if (container === undefined) return;
      const { env = {}, ...settings } = deps.settingsOf(wid);
      const variables = variablesOf(wid, env);
      const request = { image: container.image, root, settings, variables, env: deps.envOf(wid) };
      await containers.ready(container.of, request, signal);
    },
    /** The session is not in use: its container ends, unless a command still runs in it. */
    rest: (sid: SessionId): Promise<void> => containers.end(sid, true),
    /** The session was deleted. */
    end: (sid: SessionId): Promise<void> => containers.end(sid),
  };
}
