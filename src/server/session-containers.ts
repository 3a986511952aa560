import type { SessionContainer } from "../agent/backend.ts";
import type { Containers } from "../agent/container/containers.ts";
import { pinnedDevContainer } from "../agent/container/dev-container.ts";
import type { Config } from "../protocol/config.ts";
import { isDevContainer } from "../protocol/container.ts";
import { HearthError } from "../protocol/errors.ts";
import type { SessionId, WorkspaceId } from "../protocol/ids.ts";
import type { Store } from "./store/open.ts";

type SessionContainersDeps = {
  store: Pick<Store, "sessions" | "transaction">;
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

  /** The first run of a session takes the dev container as the project has it; later ones want the same. */
  async function pinned({ of: sid, image }: SessionContainer, root: string): Promise<string> {
    if (containers.isRunning(sid)) return image;
    const now = await pinnedDevContainer(root);
    if (image === now) return image;
    if (image.includes("@"))
      throw new HearthError(
        "container_unavailable",
        "The files of the dev container have changed since this session began. Look at them, then begin a new session with --in devcontainer.",
      );
    store.transaction("relaxed", () => store.sessions.setContainer(sid, now));
    return now;
  }

  return {
    of,
    /** Before a run: starts the session's container unless it runs. Throws container_unavailable. */
    async ready(wid: WorkspaceId, sid: SessionId, root: string, signal: AbortSignal): Promise<void> {
      const asked = of(sid);
      if (asked === undefined) return;
      const container = isDevContainer(asked.image) ? { ...asked, image: await pinned(asked, root) } : asked;
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
